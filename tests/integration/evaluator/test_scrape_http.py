"""The scrape client against real servers: TLS, proxies, redirects, connections that break."""

import asyncio
import ssl
import subprocess

import pytest
from aiohttp import web

from services.common.clock import SystemClock
from services.common.config import ConfigError
from services.evaluator.scrape.client import ScrapeClient
from services.evaluator.scrape.errors import ScrapeError
from tests.fixtures.scraped import job, page, serve, target


async def client(stack, base, **keys):
    made = ScrapeClient(job(**keys), base, SystemClock())
    await made.open(stack)
    return made


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA with a server's certificate for metrics.test and a client's."""
    home = tmp_path_factory.mktemp("tls")

    def run(*words):
        subprocess.run(["openssl", *words], cwd=home, check=True, capture_output=True)

    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    usage = ["-addext", "keyUsage=critical,keyCertSign"]
    run("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", *usage)
    for name, alternative in (("server", "DNS:metrics.test"), ("client", "DNS:scraper.test")):
        run("req", "-x509", *ec, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.pem",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}",
            "-addext", "basicConstraints=critical,CA:FALSE")  # fmt: skip
    return home


def server_context(home, *, clients=False):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(home / "server.pem", home / "server.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(home / "ca.pem")
    return context


async def test_tls_with_a_ca_a_name_and_a_client_certificate(stack, certificates):
    address = await serve(stack, page, ssl_context=server_context(certificates, clients=True))
    tls = {"ca_file": "ca.pem", "server_name": "metrics.test", "cert_file": "client.pem", "key_file": "client.key"}
    scraper = await client(stack, certificates, scheme="https", tls_config=tls)
    for _ in range(2):
        assert (await scraper.fetch(target(address, scheme="https"))).body == b"a 1\n"


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (None, "certificate is refused"),
        ({"ca_file": "ca.pem"}, "certificate is refused"),
        ({"ca_file": "ca.pem", "server_name": "other.test"}, "certificate is refused"),
    ],
)
async def test_a_certificate_that_can_not_be_trusted(stack, certificates, tls, words):
    address = await serve(stack, page, ssl_context=server_context(certificates))
    scraper = await client(stack, certificates, scheme="https", **({"tls_config": tls} if tls else {}))
    with pytest.raises(ScrapeError, match=words) as caught:
        await scraper.fetch(target(address, scheme="https"))
    assert caught.value.reason == "tls"


async def test_tls_that_is_not_checked_and_tls_where_there_is_none(stack, certificates):
    secure = await serve(stack, page, ssl_context=server_context(certificates))
    plain = await serve(stack, page)
    scraper = await client(stack, certificates, scheme="https", tls_config={"insecure_skip_verify": True})
    assert (await scraper.fetch(target(secure, scheme="https"))).body == b"a 1\n"
    with pytest.raises(ScrapeError) as caught:
        await scraper.fetch(target(plain, scheme="https"))
    assert caught.value.reason == "tls"
    with pytest.raises(ConfigError, match="tls_config"):
        await client(stack, certificates, tls_config={"ca_file": "missing.pem"})


async def test_one_connection_serves_many_scrapes_and_is_made_anew_when_it_was_closed(stack, tmp_path):
    connections = []

    async def talk(reader, writer):
        connections.append(writer)
        for _ in range(2):
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n")
        # As servers do with idle connections: closed without a word.
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    stack.callback(server.close)
    one = target(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    scraper = await client(stack, tmp_path)
    for _ in range(5):
        assert (await scraper.fetch(one)).body == b"a 1\n"
    assert len(connections) == 3
    scraper.forget(one)
    await scraper.fetch(one)
    assert len(connections) == 4


async def test_a_late_answer_never_becomes_the_next_one(stack, tmp_path):
    release, asked = asyncio.Event(), []

    async def slow(request):
        asked.append(request)
        number = len(asked)
        if number == 1:
            await release.wait()
        return web.Response(text=f"a {number}\n")

    address = await serve(stack, slow)
    scraper = await client(stack, tmp_path)
    with pytest.raises(ScrapeError, match=r"no answer within 0.05 s") as caught:
        await scraper.fetch(target(address, timeout=0.05))
    assert caught.value.reason == "timeout"
    release.set()
    assert (await scraper.fetch(target(address))).body == b"a 2\n"


async def test_an_answer_that_breaks_off(stack, tmp_path):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\na 1\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    stack.callback(server.close)
    scraper = await client(stack, tmp_path)
    with pytest.raises(ScrapeError, match="closed before the answer's end"):
        await scraper.fetch(target(f"127.0.0.1:{server.sockets[0].getsockname()[1]}"))


@pytest.mark.parametrize("compress", [False, True])
async def test_chunked_answers(stack, tmp_path, compress):
    text = "".join(f'm{{n="{n}"}} {n}\n' for n in range(20_000))

    async def streamed(request):
        response = web.StreamResponse()
        if compress:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        for start in range(0, len(text), 10_000):
            await response.write(text[start : start + 10_000].encode())
        await response.write_eof()
        return response

    scraper = await client(stack, tmp_path)
    address = await serve(stack, streamed)
    for _ in range(2):
        assert (await scraper.fetch(target(address))).body == text.encode()


@pytest.mark.parametrize("follow", [True, False])
async def test_redirects(stack, tmp_path, follow):
    seen = []

    async def elsewhere(request):
        seen.append(request.headers.get("Authorization"))
        return web.Response(text="a 1\n")

    other = await serve(stack, elsewhere)

    async def moved(_request):
        raise web.HTTPFound(f"http://{other}/there")

    address = await serve(stack, moved)
    scraper = await client(stack, tmp_path, follow_redirects=follow, authorization={"credentials": "s3cret"})
    if follow:
        for _ in range(2):
            assert (await scraper.fetch(target(address))).body == b"a 1\n"
        # Credentials are for the target, not for whomever it points to.
        assert seen == [None, None]
    else:
        with pytest.raises(ScrapeError, match="HTTP status 302"):
            await scraper.fetch(target(address))


async def test_a_proxy_and_what_goes_past_it(stack, tmp_path, monkeypatch):
    seen = []

    async def proxy(request):
        seen.append(str(request.url))
        return web.Response(text="a 2\n")

    proxy_address, direct = await serve(stack, proxy), await serve(stack, page)
    url = f"http://{proxy_address}"
    through = await client(stack, tmp_path, proxy_url=url, no_proxy="example.org, 127.0.0.0/8")
    assert (await through.fetch(target("shop.test:9"))).body == b"a 2\n"
    assert (await through.fetch(target(direct))).body == b"a 1\n"
    assert seen == ["http://shop.test:9/metrics"]
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("no_proxy", direct)
    by_environment = await client(stack, tmp_path, proxy_from_environment=True)
    assert (await by_environment.fetch(target("shop.test:9"))).body == b"a 2\n"
    assert (await by_environment.fetch(target(direct))).body == b"a 1\n"
    nobody = await client(stack, tmp_path, proxy_url="http://127.0.0.1:1")
    with pytest.raises(ScrapeError) as caught:
        await nobody.fetch(target(direct))
    assert caught.value.reason == "refused"


async def test_the_formats_asked_for_and_the_one_taken_for_granted(stack, tmp_path):
    asked = []

    async def untyped(request):
        asked.append(request.headers["Accept"])
        return web.Response(body=b"a 1\n# EOF\n", headers={"Content-Type": "application/octet-stream"})

    address = await serve(stack, untyped)
    keys = {
        "scrape_protocols": ["PrometheusProto", "PrometheusText0.0.4"],
        "fallback_scrape_protocol": "OpenMetricsText1.0.0",
    }
    scraper = await client(stack, tmp_path, **keys)
    assert (await scraper.fetch(target(address))).openmetrics
    assert asked == ["text/plain;version=0.0.4;q=0.2,*/*;q=0.1"]


async def test_a_header_can_not_be_broken_and_a_path_is_quoted(stack, tmp_path):
    paths = []

    async def note(request):
        paths.append(request.raw_path)
        return web.Response(text="a 1\n")

    address = await serve(stack, note)
    scraper = await client(stack, tmp_path)
    await scraper.fetch(target(address, path="/a b\r\nX: y?q=%20é"))
    assert paths == ["/a%20bX:%20y?q=%20%C3%A9"]
    (tmp_path / "token").write_text("one\ntwo\n")
    broken = await client(stack, tmp_path, authorization={"credentials_file": "token"})
    with pytest.raises(ScrapeError, match="has a line break"):
        await broken.fetch(target(address))
