"""Which proxy a URL is reached by."""

import pytest
from yarl import URL

from services.common.proxies import bypasses, proxy_for

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("no_proxy", "url", "expected"),
    [
        ("", "http://a.test/", False), ("*", "http://a.test/", True), ("a.test", "http://b.a.test/", True),
        ("a.test", "http://A.test/", True), (".a.test", "http://a.test/", True), ("a.test", "http://ba.test/", False),
        ("a.test:80", "http://a.test/", True), ("a.test:81", "http://a.test/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True), ("10.0.0.0/8, x", "http://11.1.2.3/", False),
        ("[::1]", "http://[::1]:5/", True), ("::1", "http://[::1]/", True), ("b,,a", "http://a/", True),
        ("not a name", "http://10.1.2.3/", False),
    ],
)  # fmt: skip
def test_what_no_proxy_excepts(no_proxy, url, expected):
    assert bypasses(no_proxy, URL(url)) is expected
    assert proxy_for(URL(url), PROXY, no_proxy, from_environment=False) == (None if expected else PROXY)


def test_the_environments_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("no_proxy", "near.test")
    assert proxy_for(URL("http://far.test/"), None, "", from_environment=True) == PROXY
    assert proxy_for(URL("http://near.test/"), None, "", from_environment=True) is None
    assert proxy_for(URL("http://far.test/"), None, "", from_environment=False) is None
