"""`http_config` as Prometheus' programs read it."""

import ssl
from pathlib import Path

import pytest

from services.common.config import ConfigError
from services.notifier.channels.kit.http_config import HttpConfig, TlsConfig, authorization, own_headers


def test_headers(tmp_path):
    (tmp_path / "x").write_text("from-a-file\n", encoding="utf-8")
    given = {"X-A": {"values": ["1"], "secrets": ["s"], "files": ["x"]}, "X-B": {"values": ["2"]}}
    found, hidden = own_headers(HttpConfig.model_validate({"http_headers": given}), tmp_path)
    assert found == {"X-A": "1, s, from-a-file", "X-B": "2"}
    assert hidden == ["s", "from-a-file"]
    with pytest.raises(ConfigError, match="can't be read"):
        own_headers(HttpConfig.model_validate({"http_headers": {"X": {"files": ["none"]}}}), tmp_path)


def test_a_user_from_a_file(tmp_path):
    (tmp_path / "user").write_text("ü\n", encoding="utf-8")
    config = HttpConfig.model_validate({"basic_auth": {"username_file": "user", "password": "p"}})
    assert authorization(config, tmp_path) == {"Authorization": "Basic w7w6cA=="}


def test_versions_of_tls():
    context = TlsConfig(min_version="TLS13", max_version="TLS13").context(Path())
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert TlsConfig().context(Path()).minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(ConfigError, match="tls_config"):
        TlsConfig(ca="no certificate").context(Path())


@pytest.mark.parametrize(
    "config",
    [
        {"proxy_url": "http://x", "proxy_from_environment": True}, {"tls_config": {"min_version": "SSL3"}},
        {"bearer_token": "x", "basic_auth": {}}, {"oauth2": {}},
        {"oauth2": {"client_id": "a", "token_url": "x"}},
        {"oauth2": {"client_id": "a", "token_url": "http://x", "client_secret": "s", "client_secret_file": "f"}},
        {"oauth2": {"client_id": "a", "token_url": "http://x"}, "bearer_token": "x"},
    ],
)  # fmt: skip
def test_mistakes(config):
    with pytest.raises(ValueError):
        HttpConfig.model_validate(config)
