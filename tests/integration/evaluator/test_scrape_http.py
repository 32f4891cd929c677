"""The scrape client and http_sd against real servers: TLS, proxies, redirects, connections that break."""

import asyncio
import ssl
import subprocess
from contextlib import AsyncExitStack

import orjson
import pytest
from aiohttp import web

from services.common.clock import SystemClock
from services.common.config import ConfigError
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.head import Head
from services.evaluator.scrape.client import ScrapeClient
from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.full_client import bypasses
from services.evaluator.scrape.manager import ScrapeManager
from services.evaluator.scrape.targets import Target
from services.evaluator.telemetry import ScrapeTelemetry


def job(**keys):
    return ScrapeConfig.model_validate({"job_name": "j", **keys}).with_defaults(GlobalConfig(scrape_interval=5))


def target(address, path="/metrics", scheme="http", timeout=5.0):
    return Target("j", f"{scheme}://{address}{path}", (("instance", address),), 5.0, timeout)


async def serve(stack, handler, **keys):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, **keys).start()
    return f"127.0.0.1:{runner.addresses[0][1]}"


async def client(stack, base, **keys):
    made = ScrapeClient(job(**keys), base)
    await made.open(stack)
    return made


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack


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


async def page(_request):
    return web.Response(text="a 1\n")


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


@pytest.mark.parametrize(
    ("no_proxy", "url", "expected"),
    [
        ("", "http://a.test/", False),
        ("*", "http://a.test/", True),
        ("a.test", "http://b.a.test/", True),
        (".a.test", "http://a.test/", True),
        ("a.test", "http://ba.test/", False),
        ("a.test:80", "http://a.test/", True),
        ("a.test:81", "http://a.test/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("[::1]", "http://[::1]:5/", True),
        ("not a name", "http://10.1.2.3/", False),
    ],
)
def test_what_no_proxy_excepts(no_proxy, url, expected):
    from yarl import URL

    assert bypasses(no_proxy, URL(url)) is expected


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


async def eventually(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.002)


class Lists:
    """A server of target lists, and a manager that reads them on a driven clock."""

    def __init__(self, base):
        self.base, self.clock, self.requests = base, ManualClock(1_700_000_000.0), []
        self.body, self.status, self.kind = b"[]", 200, "application/json; charset=utf-8"
        self.telemetry = Telemetry("evaluator")
        self.manager = ScrapeManager(
            Head(retention_s=600), base=base, clock=self.clock, telemetry=ScrapeTelemetry(self.telemetry),
            on_arrival=lambda _: None,
        )  # fmt: skip
        self.url = ""

    async def answer(self, request):
        self.requests.append(request)
        return web.Response(body=self.body, status=self.status, headers={"Content-Type": self.kind})

    async def apply(self, **keys):
        sd = {"url": self.url, "refresh_interval": "30s", "authorization": {"credentials": "s3cret"}}
        await self.manager.apply([job(http_sd_configs=[sd], **keys)])

    async def next(self, condition, body=None, **keys):
        """Change the answer, let the interval pass, await what must come of it."""
        if body is not None:
            self.body = body if isinstance(body, bytes) else orjson.dumps(body)
        for name, value in keys.items():
            setattr(self, name, value)
        before = len(self.requests)
        while len(self.requests) == before:
            await self.clock.advance(30.1)
            await asyncio.sleep(0.002)
        await eventually(condition)

    @property
    def source(self):
        return self.manager._jobs["j"].lists[0]

    def urls(self):
        return [loop.target.url for loop in self.manager.loops]


@pytest.fixture
async def lists(stack, tmp_path):
    made = Lists(tmp_path)
    made.url = f"http://{await serve(stack, made.answer)}/targets"
    stack.push_async_callback(made.manager.close)
    return made


async def test_http_sd_names_targets_and_a_fault_keeps_the_last_good_list(lists):
    lists.body = orjson.dumps([{"targets": ["127.0.0.1:1"], "labels": {"env": "a", "__meta_rack": "r1"}}])
    await lists.apply(relabel_configs=[{"source_labels": ["__meta_url"], "target_label": "found_by"}])
    await eventually(lambda: lists.manager.loops)
    request = lists.requests[0]
    assert request.headers["X-Prometheus-Refresh-Interval-Seconds"] == "30"
    assert request.headers["Authorization"] == "Bearer s3cret"
    (loop,) = lists.manager.loops
    assert dict(loop.target.labels)["env"] == "a"
    assert dict(loop.target.labels)["found_by"] == lists.url
    good = lists.urls()
    for change, words in (
        ({"status": 500}, "HTTP status 500"),
        ({"status": 200, "kind": "text/html"}, "must send application/json"),
        ({"kind": "application/json", "body": b"{"}, "not JSON"),
        ({"body": [{"targets": ["http://x/y"]}]}, "is not host:port"),
        ({"body": [{"target": []}]}, "Extra inputs"),
    ):
        await lists.next(lambda words=words: words in lists.source.broken, **change)
        assert lists.urls() == good
    assert lists.telemetry.registry.get_sample_value(
        "tocsin_discovery_failures_total", {"job": "j", "reason": "format"}
    ) >= 4  # fmt: skip
    two = ["http://127.0.0.1:2/metrics", "http://127.0.0.1:3/metrics"]
    await lists.next(lambda: lists.urls() == two, [{"targets": ["127.0.0.1:2", "127.0.0.1:3"]}])
    assert lists.source.broken == ""
    await lists.next(lambda: lists.urls() == [], [])


async def test_a_changed_job_goes_on_with_the_list_it_had(lists):
    lists.body = orjson.dumps([{"targets": ["127.0.0.1:1"]}])
    await lists.apply()
    await eventually(lambda: lists.manager.loops)
    lists.status = 500
    await lists.apply(honor_labels=True)
    assert lists.urls() == ["http://127.0.0.1:1/metrics"]


async def test_more_targets_than_the_limit_are_not_scraped_at_all(stack, tmp_path):
    address = await serve(stack, page)
    lists = Lists(tmp_path)
    stack.push_async_callback(lists.manager.close)
    jobs = [job(target_limit=1, static_configs=[{"targets": [address, "127.0.0.1:1"]}])]
    await lists.manager.apply(jobs)
    for loop in lists.manager.loops:
        await loop.scrape(lists.clock.now())
        assert (loop.status.health, loop.status.last_error) == ("down", "target_limit exceeded (2 targets, limit 1)")
    await lists.manager.apply([job(target_limit=1, static_configs=[{"targets": [address]}])])
    (loop,) = lists.manager.loops
    await loop.scrape(lists.clock.now())
    assert loop.status.health == "up"


async def test_series_beyond_the_heads_limits_are_counted_and_named(stack, tmp_path):
    pages = ["a 1\nb 2\nc 3\nd 4\ne 5\nf 6\n"]

    async def one(_request):
        return web.Response(text=pages[-1])

    address = await serve(stack, one)
    telemetry = Telemetry("evaluator")
    head = Head(retention_s=600, max_series_per_target=5)
    manager = ScrapeManager(
        head, base=tmp_path, clock=SystemClock(), telemetry=ScrapeTelemetry(telemetry), on_arrival=lambda _: None
    )
    stack.push_async_callback(manager.close)
    await manager.apply([job(static_configs=[{"targets": [address]}])])
    (loop,) = manager.loops
    await loop.scrape(1_700_000_000.0)
    labels = {"job": "j", "target": f"http://{address}/metrics"}
    assert telemetry.registry.get_sample_value("tocsin_scrape_series_left_out", labels) == 1
    assert loop.status.left_out == 1
    assert head.stats().rejected == {"max_series_per_target": 1}
    pages.append("a 1\nb 2\n")
    await loop.scrape(1_700_000_005.0)
    assert telemetry.registry.get_sample_value("tocsin_scrape_series_left_out", labels) is None
    assert loop.status.left_out == 0
