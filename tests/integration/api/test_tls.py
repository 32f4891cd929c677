"""HTTPS: the certificate, its change without a restart, old versions, cookies, health checks."""

import asyncio
import ssl

import aiohttp
import pytest

from services.api.tls import ServerTls, TlsConfig
from services.common.config import ConfigError
from services.supervisor.probes import http_probe
from tests.integration.api.test_live import PATH, _next
from tests.integration.collector.certs import make

pytestmark = pytest.mark.integration


@pytest.fixture
async def secure(api):
    """The API by HTTPS; its certificate is in the data folder."""
    await api.stop()
    make("first").write(api.data, "api")
    api.external_url = "http://dashboard.example.com"
    api.settings = {"tls": {"cert_file": "api.pem", "key_file": "api.key"}}
    await api.start()
    return api


async def _served(port, **versions):
    """The certificate that a client without a name for the server sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, version in versions.items():
        setattr(context, name, version)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()


async def test_pages_cookies_and_the_live_feed_go_by_https(secure):
    page = await secure.log_in("viewer")
    (cookie,) = page.http.cookie_jar
    assert cookie["secure"]
    async with page.http.get("/") as answer:
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    async with page.http.ws_connect(PATH, origin=secure.url) as socket:
        assert (await _next(socket))["type"] == "snapshot"
    assert await http_probe(f"127.0.0.1:{secure.running.port}", tls=True)() == ""
    assert "does not answer" in await http_probe(f"127.0.0.1:{secure.running.port}")()
    with pytest.raises(aiohttp.ClientError):
        await page.get(f"http://127.0.0.1:{secure.running.port}/")


async def test_a_new_certificate_is_served_after_a_reload_and_a_broken_one_never(secure):
    port = secure.running.port
    first = await _served(port)
    make("second").write(secure.data, "api")
    assert await _served(port) == first
    await secure.running.reload()
    second = await _served(port)
    assert second != first
    (secure.data / "api.pem").write_text("no certificate")
    await secure.running.reload()
    assert await _served(port) == second


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
async def test_old_versions_are_refused(secure):
    port = secure.running.port
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await _served(port, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    await _served(port, maximum_version=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("spoil", ["missing", "other key", "no PEM"])
def test_files_that_cant_be_used_are_named(tmp_path, spoil):
    make("one").write(tmp_path, "api")
    if spoil == "missing":
        (tmp_path / "api.key").unlink()
    elif spoil == "other key":
        make("two").write(tmp_path, "other")
        (tmp_path / "other.key").rename(tmp_path / "api.key")
    else:
        (tmp_path / "api.pem").write_text("?")
    with pytest.raises(ConfigError, match=r"api\.tls: .*api\.(key|pem)"):
        ServerTls(TlsConfig(cert_file="api.pem", key_file="api.key"), tmp_path)
