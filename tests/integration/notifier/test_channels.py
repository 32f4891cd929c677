"""Channels against real servers: TLS, logins, proxies, and every way in which a server can let us down."""

import asyncio
import ssl
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.alertmanager import GlobalConfig
from services.notifier.channels.base import DeliveryError, Message, Surroundings
from services.notifier.channels.email import EmailChannel, EmailConfig
from services.notifier.channels.webhook import WebhookChannel, WebhookConfig
from services.notifier.grouping import Cause
from services.notifier.messages import Messages
from tests.fixtures.ports import free_port
from tests.integration.notifier.conftest import Mailbox, event

pytestmark = pytest.mark.integration
SECRETS = ("s3cret", "t0ken", "hidden-path")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def server_context(certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


@pytest.fixture
async def around(tmp_path):
    stack = AsyncExitStack()
    messages = Messages([], external_url="http://t", zone=ZoneInfo("UTC"))
    yield Surroundings(GlobalConfig(smtp_from="t@example.com"), tmp_path, messages, ManualClock(), stack)
    await stack.aclose()


def message() -> Message:
    return Message(
        delivery_id="d1", recipient="a@example.com", receiver="r", status="firing", cause=Cause.NEW, group_key="k",
        group_labels={}, alerts=[event(starts_at=1.0)], created_at=1.0, thread="d1",
    )  # fmt: skip


async def mail(around, port: int, **fields) -> str:
    config = EmailConfig.model_validate({"to": "a@example.com", "smarthost": f"127.0.0.1:{port}", **fields})
    return await EmailChannel().build(config, around).send(message())


async def mail_fails(around, port: int, **fields) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await mail(around, port, **fields)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


async def smtp(box: Mailbox, **options):
    loop = asyncio.get_running_loop()
    context = options.pop("ssl", None)
    server = await loop.create_server(
        lambda: SMTP(box, hostname="test", loop=loop, **options), "127.0.0.1", 0, ssl=context
    )
    return server, server.sockets[0].getsockname()[1]


def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"tocsin", b"s3cret"), handled=False)


async def test_starttls_and_login(around, certificate, tmp_path):
    (tmp_path / "password").write_text("s3cret\n", encoding="utf-8")
    box = Mailbox()
    server, port = await smtp(
        box,
        tls_context=server_context(certificate),
        require_starttls=True,
        authenticator=check,
        auth_exclude_mechanism=["LOGIN"],
    )
    trust = {"ca_file": str(certificate[1])}
    login = {"auth_username": "tocsin", "auth_password_file": "password"}
    assert await mail(around, port, tls_config=trust, **login) == "<d1@example.com>"
    assert len(box.mails) == 1
    refused = await mail_fails(around, port, tls_config=trust, auth_username="tocsin", auth_password="t0ken")
    assert (refused.reason, refused.permanent) == ("authentication_failed", False)
    untrusted = await mail_fails(around, port, **login)
    assert (untrusted.reason, untrusted.permanent) == ("tls_failed", False)
    assert await mail(around, port, tls_config={"insecure_skip_verify": True}, **login)
    server.close()


async def test_tls_from_the_first_byte(around, certificate):
    box = Mailbox()
    server, port = await smtp(box, ssl=server_context(certificate))
    assert await mail(around, port, implicit_tls=True, tls_config={"ca_file": str(certificate[1])})
    assert len(box.mails) == 1
    server.close()


async def test_a_server_without_tls_gets_nothing_when_tls_is_required(around, mailbox):
    refused = await mail_fails(around, mailbox.port, auth_username="tocsin", auth_secret="s3cret")
    assert refused.reason == "smtp_error"
    assert not refused.permanent
    assert not mailbox.mails
    assert await mail(around, mailbox.port, require_tls=False)


async def talk(port_ready: asyncio.Future, *lines: bytes) -> asyncio.Server:
    """A server that says the given lines, one for each line that it hears, and hangs up."""

    async def handle(reader, writer) -> None:
        for line in lines:
            writer.write(line)
            await writer.drain()
            await reader.readline()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port_ready.set_result(server.sockets[0].getsockname()[1])
    return server


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b"554 no service here\r\n"], "server_refused"),
        ([b"220 hi\r\n", b"421 too busy\r\n", b"421 too busy\r\n"], "server_refused"),
        ([b"220 hi\r\n"], "connection_broken"),
        ([], "connection_failed"),
        ([b"220 hi\r\n", b"250 ok\r\n", b"550 not from you\r\n"], "message_refused"),
        ([b"220 hi\r\n", b"250 ok\r\n", b"450 not now\r\n"], "deferred"),
    ],
)
async def test_servers_that_let_us_down(around, lines, reason):
    ready = asyncio.get_running_loop().create_future()
    server = await talk(ready, *lines)
    error = await mail_fails(around, await ready, require_tls=False)
    assert error.reason == reason
    assert error.permanent is (reason == "message_refused")
    server.close()


async def test_nobody_listens(around):
    error = await mail_fails(around, free_port(), require_tls=False)
    assert (error.reason, error.permanent) == ("connection_failed", False)


class Peer:
    """An HTTP server that answers as told and keeps the last request's headers."""

    def __init__(self) -> None:
        self.answer = web.Response
        self.headers: dict[str, str] = {}
        self.path = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers, self.path = dict(request.headers), request.path
        return self.answer()


@pytest.fixture
async def peer(certificate):
    it = Peer()
    runner = web.AppRunner(web.Application())
    runner.app.router.add_route("*", "/{tail:.*}", it.handle)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context(certificate)).start()
    it.http, it.https = (f"://127.0.0.1:{address[1]}/hidden-path" for address in runner.addresses)
    yield it
    await runner.cleanup()


async def hook(around, url: str, **fields) -> str:
    return await WebhookChannel().build(WebhookConfig.model_validate({"url": url, **fields}), around).send(message())


async def hook_fails(around, url: str, **fields) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await hook(around, url, **fields)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ({"basic_auth": {"username": "u", "password": "s3cret"}}, "Basic dTpzM2NyZXQ="),
        ({"basic_auth": {"username": "u", "password_file": "secret"}}, "Basic dTpzM2NyZXQ="),
        ({"authorization": {"credentials": "t0ken"}}, "Bearer t0ken"),
        ({"authorization": {"type": "Custom", "credentials_file": "secret"}}, "Custom s3cret"),
        ({"bearer_token": "t0ken"}, "Bearer t0ken"),
        ({"bearer_token_file": "secret"}, "Bearer s3cret"),
        ({}, None),
    ],
)
async def test_ways_to_show_who_we_are(around, peer, tmp_path, config, header):
    (tmp_path / "secret").write_text("s3cret\n", encoding="utf-8")
    assert await hook(around, "http" + peer.http, http_config=config) == ""
    assert peer.headers.get("Authorization") == header
    assert peer.headers["User-Agent"].startswith("Tocsin")
    assert peer.headers["Content-Type"] == "application/json"


async def test_https(around, peer, certificate):
    trust = {"ca_file": str(certificate[1])}
    await hook(around, "https" + peer.https, http_config={"tls_config": trust})
    named = {**trust, "server_name": "localhost"}
    await hook(around, "https" + peer.https, http_config={"tls_config": named})
    await hook(around, "https" + peer.https, http_config={"tls_config": {"insecure_skip_verify": True}})
    both = {**trust, "cert_file": str(certificate[1]), "key_file": str(certificate[0])}
    await hook(around, "https" + peer.https, http_config={"tls_config": both})
    assert (await hook_fails(around, "https" + peer.https)).reason == "connection_failed"
    wrong = {**trust, "server_name": "else.example.com"}
    assert (
        await hook_fails(around, "https" + peer.https, http_config={"tls_config": wrong})
    ).reason == "connection_failed"


async def test_a_proxy_is_asked(around, peer):
    proxy = "http" + peer.http.replace("/hidden-path", "")
    await hook(around, "http://nowhere.invalid/there", http_config={"proxy_url": proxy})
    assert peer.headers["Host"] == "nowhere.invalid"


STATUSES = [
    (200, None, None), (202, None, None), (204, None, None),
    (301, "refused", True), (400, "refused", True), (401, "authentication_failed", False), (404, "refused", True),
    (410, "refused", True), (408, "server_error", False), (429, "rate_limited", False),
    (500, "server_error", False), (503, "server_error", False),
]  # fmt: skip


@pytest.mark.parametrize(("status", "reason", "permanent"), STATUSES)
async def test_status_codes(around, peer, status, reason, permanent):
    peer.answer = lambda: web.Response(status=status, headers={"Location": "/x"} if status == 301 else {})
    if reason is None:
        await hook(around, "http" + peer.http)
        return
    error = await hook_fails(around, "http" + peer.http, http_config={"follow_redirects": False})
    assert (error.reason, error.permanent) == (reason, permanent)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0), ("0", 0.0), ("999999", 3600.0), ("soon", None), ("-5", None),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0), ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
    ],
)  # fmt: skip
async def test_retry_after_in_its_forms(around, peer, value, expected):
    peer.answer = lambda: web.Response(status=429, headers={"Retry-After": value})
    assert (await hook_fails(around, "http" + peer.http)).retry_after == expected


async def test_redirects_without_end_and_a_peer_that_hangs_up(around, peer):
    peer.answer = lambda: web.Response(status=307, headers={"Location": "/again"})
    assert (await hook_fails(around, "http" + peer.http)).reason == "connection_broken"
    ready = asyncio.get_running_loop().create_future()
    server = await talk(ready, b"")
    assert (await hook_fails(around, f"http://127.0.0.1:{await ready}/x")).reason == "connection_broken"
    server.close()
    assert (await hook_fails(around, f"http://127.0.0.1:{free_port()}/x")).reason == "connection_failed"
    peer.answer = lambda: web.Response(status=307, headers={"Location": "http://[nowhere"})
    error = await hook_fails(around, "http" + peer.http)
    assert (error.reason, error.permanent) == ("invalid_url", True)


async def test_a_peer_that_does_not_answer_in_time(around):
    async def hang(reader, _writer) -> None:
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    assert (await hook_fails(around, url, timeout="50ms")).reason == "timeout"
    server.close()


def test_a_url_from_a_file_is_checked(around, tmp_path):
    (tmp_path / "url").write_text("no url\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must begin with http"):
        WebhookChannel().build(WebhookConfig(url_file=Path("url")), around)
