import socket

import pytest

from services.supervisor.ports import PortsTakenError, check_ports
from tests.fixtures.ports import free_port


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_free_addresses_pass():
    check_ports({"api.listen": f"127.0.0.1:{free_port()}", "collector.listen": "127.0.0.1:0", "x": "127.0.0.1:0"})


def test_every_taken_address_is_named_with_its_setting(taken):
    with pytest.raises(PortsTakenError) as caught:
        check_ports(
            {"api.listen": taken, "collector.listen": "127.0.0.1:0", "notifier.listen": f"0.0.0.0:{taken[10:]}"}
        )
    first, second = str(caught.value).splitlines()
    assert first == (
        f"{taken} is taken by another program; free it, or set api.listen in the configuration or by "
        "--set api.listen=HOST:PORT"
    )
    assert "notifier.listen" in second


def test_two_settings_with_one_address_are_told():
    listen = f"127.0.0.1:{free_port()}"
    with pytest.raises(PortsTakenError, match=rf"notifier.listen and api.listen are both {listen}"):
        check_ports({"api.listen": listen, "notifier.listen": listen})


@pytest.mark.parametrize(
    ("listen", "reason"),
    [("no.such.host.invalid:80", "can't be resolved"), ("203.0.113.1:8080", "can't be listened on")],
)
def test_an_address_that_is_not_ours_is_told(listen, reason):
    with pytest.raises(PortsTakenError, match=reason):
        check_ports({"api.listen": listen})


def test_an_ipv6_address_is_tried_in_its_family():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            probe.listen()
            port = probe.getsockname()[1]
            with pytest.raises(PortsTakenError, match=rf"\[::1\]:{port} is taken"):
                check_ports({"api.listen": f"[::1]:{port}"})
    except OSError:
        pytest.skip("this machine has no IPv6")
