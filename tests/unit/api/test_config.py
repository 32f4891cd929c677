"""The `api:` section: good as it stands, and each mistake with its mend."""

import pytest

from services.api.config import ApiConfig
from services.common.config import ConfigError, ConfigFile


def _read(tmp_path, text):
    path = tmp_path / "tocsin.yml"
    path.write_text(text)
    return ConfigFile(path).section("api", ApiConfig)


def test_an_empty_section_is_good(tmp_path):
    config = _read(tmp_path, "data_dir: x\n")
    assert (config.listen, config.poll_interval) == ("127.0.0.1:8080", 2.0)
    assert config.components == ("fastapi", "postgres", "redis", "websocket", "celery")


def test_values_are_read(tmp_path):
    config = _read(
        tmp_path,
        "api:\n  evaluator_url: http://evaluator:9701/\n  poll_interval: 500ms\n  components: [redis]\n"
        "  trusted_proxies: [10.0.0.0/8, '::1']\n  login_limits: {per_client: 3}\n",
    )
    assert (config.evaluator_url, config.poll_interval, config.components) == ("http://evaluator:9701", 0.5, ("redis",))
    assert [str(network) for network in config.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert (config.login_limits.per_client, config.login_limits.per_user) == (3, 60)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("evaluator_url: evaluator:9701", "is not an address; write it like http://127.0.0.1:9701"),
        ("components: [redis, payments]", "payments: no such component; choose of fastapi, postgres"),
        ("listen: 8080", "listen"),
        ("session_hours: 0", "greater than 0"),
        ("trusted_proxies: [10.0.0.1/8]", "is not a valid IPv4 or IPv6 network"),
        ("poll_interval: soon", "is not a duration"),
        ("evaluater_url: x", "unknown key; known here: collector_tls, collector_url, components"),
    ],
)
def test_each_mistake_names_its_line_and_mend(tmp_path, line, says):
    with pytest.raises(ConfigError, match=r"tocsin\.yml:2:") as refused:
        _read(tmp_path, f"api:\n  {line}\n")
    assert says in str(refused.value)
