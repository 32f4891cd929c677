from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from services.collector.reasons import Reason, reason_of
from services.collector.sources.redis.client import Address, Dialer, seed_label, translate
from services.collector.sources.redis.config import COLLECTOR_NAMES, RedisTarget, bare_address
from services.collector.sources.redis.registry import COLLECTORS


def target(**keys: Any) -> RedisTarget:
    return RedisTarget.model_validate({"name": "cache", "url": "redis://127.0.0.1:6379", **keys})


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ({"url": "http://x"}, "not a Redis URL"),
        ({"seeds": ["redis://b"]}, "seeds are for discover"),
        ({"discover": "cluster", "seeds": ["b:1"]}, "not a Redis URL"),
        ({"sentinel_masters": ["m"]}, "for discover: sentinel"),
        ({"sentinel_password_file": "p"}, "for discover: sentinel"),
        ({"collectors": {"slow": {}}}, "no collector 'slow'; there are: info, commands"),
        ({"tls": {"ca_file": "ca"}}, "needs a URL like rediss://"),
        ({"url": "rediss://x", "tls": {"cert_file": "c"}}, "cert_file and key_file together"),
        ({"keys": [{}]}, "either key or pattern"),
        ({"keys": [{"key": "a", "pattern": "b"}]}, "either key or pattern"),
        ({"keys": [{"pattern": "b", "text": True}]}, "text is for a key"),
    ],
)
def test_mistakes_are_named(keys: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        target(**keys)


def test_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(ValidationError) as raised:
        target(url="http://user:hunter2@x")
    # The configuration file's errors show the message, not the input.
    assert all("hunter2" not in mistake["msg"] for mistake in raised.value.errors())


def test_every_collector_can_be_switched() -> None:
    assert [collector.name for collector in COLLECTORS] == list(dict.fromkeys(c.name for c in COLLECTORS))
    assert sorted(COLLECTOR_NAMES) == sorted(collector.name for collector in COLLECTORS)


def test_addresses_carry_no_secret() -> None:
    assert bare_address(SecretStr("redis://u:p@h:1/2?password=p")) == "redis://h:1/2"
    assert seed_label(SecretStr("redis://u:p@h:1/2")) == "h:1"
    assert seed_label(SecretStr("unix:///run/redis.sock?db=1")) == "/run/redis.sock"
    assert str(Address("::1", 1)) == "[::1]:1"


@pytest.mark.parametrize(
    ("keys", "address", "url"),
    [
        ({"url": "rediss://u:p@seed:1/3", "discover": "cluster"}, Address("n", 2), "rediss://u:p@n:2"),
        ({"url": "redis://:p@sentinel:1", "discover": "sentinel"}, Address("n", 2), "redis://n:2"),
        ({"url": "redis://:p@sentinel:1", "discover": "sentinel"}, Address("n", 2, sentinel=True), "redis://:p@n:2"),
    ],
)
def test_nodes_are_reached_like_the_seed_but_sentinels_secrets_are_theirs(
    keys: dict[str, Any], address: Address, url: str
) -> None:
    assert Dialer(target(**keys), Path())._node_url(address) == url


def test_the_sentinels_password_is_the_servers_unless_given(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("other\n")
    assert target(discover="sentinel", password="pw").read_sentinel_password(tmp_path) == "pw"
    own = target(discover="sentinel", password="pw", sentinel_password_file="s")
    assert own.read_sentinel_password(tmp_path) == "other"


def test_certificate_files(tmp_path: Path) -> None:
    tls = {"ca_file": "ca.pem", "cert_file": "c.pem", "key_file": "k.pem", "check_hostname": False}
    found = Dialer(target(url="rediss://h", tls=tls), tmp_path)._tls()
    assert found["ssl_ca_certs"] == str(tmp_path / "ca.pem")
    assert found["ssl_cert_reqs"] == "required"
    assert found["ssl_check_hostname"] is False
    loose = Dialer(target(url="rediss://h", tls={"insecure_skip_verify": True}), tmp_path)._tls()
    assert (loose["ssl_cert_reqs"], loose["ssl_check_hostname"]) == ("none", False)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationError("x"), Reason.AUTH),
        (ResponseError("NOAUTH Authentication required."), Reason.AUTH),
        (ResponseError("WRONGPASS invalid username-password pair"), Reason.AUTH),
        (NoPermissionError("this user has no permissions"), Reason.PERMISSION),
        (ResponseError("NOPERM this user has no permissions"), Reason.PERMISSION),
        (ResponseError("max number of clients reached"), Reason.REFUSED),
        (ResponseError("ERR unknown command"), Reason.ERROR),
    ],
)
def test_reasons(error: Exception, reason: Reason) -> None:
    assert translate(error).reason is reason
    assert reason_of(translate(error)) is reason
