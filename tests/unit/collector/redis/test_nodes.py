import pytest

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Address
from services.collector.sources.redis.clients import read_clients
from services.collector.sources.redis.cluster import read_nodes
from services.collector.sources.redis.node import is_loopback
from services.collector.sources.redis.sentinel import is_up
from services.collector.sources.redis.sheets import merge
from services.collector.sources.redis.streams import milliseconds

NODES = """a1 10.0.0.1:7000@17000,redis-0 myself,master - 0 0 1 connected 0-5460
b2 10.0.0.2:7000@17000,redis-1 master - 0 1 2 connected 5461-10922
c3 :0@0 master,noaddr,fail - 1 1 3 disconnected 10923-16383
d4 10.0.0.4:7000@17000 slave,fail a1 1 1 1 disconnected
e5 10.0.0.5:7000@17000 handshake - 0 0 0 connected
f6 2001:db8::1:7000@17000,,tls-port=0 slave b2 0 1 2 connected
"""


def test_nodes_with_an_address_are_scraped_also_failed_ones() -> None:
    found = read_nodes(NODES, seed_host="seed", tls=False)
    assert [str(address) for address in found.nodes] == [
        "10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.4:7000", "[2001:db8::1]:7000",
    ]  # fmt: skip
    assert found.myself == Address("10.0.0.1", 7000)


def test_certificates_name_hosts() -> None:
    found = read_nodes(NODES, seed_host="seed", tls=True)
    assert [address.host for address in found.nodes] == ["redis-0", "redis-1", "10.0.0.4", "2001:db8::1"]


def test_a_lone_node_does_not_know_its_own_address() -> None:
    found = read_nodes("a1 :7000@17000 myself,master - 0 0 0 connected\n", seed_host="seed", tls=False)
    assert found.nodes == (Address("seed", 7000),)
    assert read_nodes("a1 :7000@17000 myself,master - 0 0 0 connected", seed_host="", tls=False).nodes == ()


@pytest.mark.parametrize(
    ("flags", "up"),
    [("master", True), ("slave,s_down", False), ("master,s_down,o_down", False), ("slave,disconnected", True)],
)
def test_who_is_up_for_a_sentinel(flags: str, up: bool) -> None:
    assert is_up({"flags": flags}) is up
    assert is_up({}) is False


@pytest.mark.parametrize(("entry", "wanted"), [("1700-3", 1700), ("0-0", 0), ("", None), (None, None), ("x-1", None)])
def test_times_in_ids(entry: str | None, wanted: int | None) -> None:
    assert milliseconds(entry) == wanted


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("redis", False)]
)
def test_who_is_local(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_clients_of_all_versions() -> None:
    (one, other) = read_clients(
        "id=3 addr=127.0.0.1:5000 fd=8 name=web age=6 idle=2 flags=N db=0 sub=0 psub=0 qbuf=0 omem=0 cmd=get\n"
        "id=4 addr=[::1]:5001 name= age=1 idle=0 flags=N user=default resp=3 lib-name=redis-py(a=b) tot-mem=9\n"
    )
    assert one["name"] == "web"
    assert other["lib-name"] == "redis-py(a=b)"
    assert other["tot-mem"] == "9"


def test_a_node_stands_in_front_of_the_labels() -> None:
    sheet, part = Sheet(), Sheet()
    part.gauge("a", "", 1)
    part.gauge("b", "", 2, db="db0")
    merge(sheet, part, node='x"y:1')
    assert sheet.families["a"].rows == [("a", 'node="x\\"y:1"', "1")]
    assert sheet.value("b", node='x\\"y:1', db="db0") is None
    assert sheet.families["b"].rows == [("b", 'node="x\\"y:1",db="db0"', "2")]
