"""What holds for every channel: how answers are told apart, and that no secret is shown."""

import asyncio
import base64

import pytest
import structlog

from services.notifier.alertmanager import AlertmanagerConfig
from services.notifier.channels import CHANNELS
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.email import EmailConfig
from services.notifier.shown import shown
from tests.fixtures.ports import free_port
from tests.integration.notifier.channels.catalog import BY_KEY, JWT, KINDS, OTHER, SECRET, TOKEN
from tests.integration.notifier.channels.conftest import told

pytestmark = pytest.mark.integration
KEYS = [kind.key for kind in KINDS]
STATUSES = [
    (301, "refused", True), (400, "refused", True),
    (401, "authentication_failed", False), (403, "authentication_failed", False),
    (404, "refused", True), (410, "refused", True), (413, "refused", True), (422, "refused", True),
    (408, "server_error", False), (429, "rate_limited", False),
    (500, "server_error", False), (502, "server_error", False), (503, "server_error", False),
    (504, "server_error", False),
]  # fmt: skip
SECRETS = (
    SECRET, OTHER, JWT, TOKEN, base64.b64encode(f"AC123:{SECRET}".encode()).decode(),
    base64.b64encode(f"app:{SECRET}".encode()).decode(),
)  # fmt: skip
NO_REDIRECTS = {"follow_redirects": False}


def test_the_catalogue_has_every_channel_that_speaks_http():
    assert {channel.key for channel in CHANNELS} == {*KEYS, "email"}


async def fails(integration) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await integration.send(told())
    return caught.value


@pytest.mark.parametrize("key", KEYS)
async def test_what_is_taken_is_delivered(standin, build, key):
    integration = build(key)
    await integration.send(told())
    assert len(standin.seen) == BY_KEY[key].before + 1
    assert standin.last.headers["user-agent"] == "Tocsin"
    assert integration.recipients
    assert not any(secret in str(integration.recipients) for secret in SECRETS)


@pytest.mark.parametrize(("status", "reason", "permanent"), STATUSES)
@pytest.mark.parametrize("key", KEYS)
async def test_status_codes(standin, build, key, status, reason, permanent):
    integration = build(key, http_config=NO_REDIRECTS)
    standin.usual = lambda seen: (status, {"Retry-After": "17"}, seen.echo())
    error = await fails(integration)
    assert (error.reason, error.permanent) == (reason, permanent)
    assert error.retry_after == (None if permanent else 17.0)
    assert not any(secret in f"{error} {error.detail} {error!r}" for secret in SECRETS)


@pytest.mark.parametrize("key", [kind.key for kind in KINDS if kind.before])
@pytest.mark.parametrize(("status", "reason", "permanent"), STATUSES)
async def test_status_codes_after_a_login(standin, build, key, status, reason, permanent):
    integration = build(key, http_config=NO_REDIRECTS)
    usual = standin.usual
    standin.usual = lambda seen: usual(seen) if "token" in seen.path else (status, {}, seen.echo())
    error = await fails(integration)
    assert (error.reason, error.permanent) == (reason, permanent)
    assert not any(secret in f"{error} {error.detail} {error!r}" for secret in SECRETS)


@pytest.mark.parametrize("key", KEYS)
async def test_a_provider_that_does_not_answer_in_time(standin, build, key):
    standin.hang = asyncio.Event()
    assert (await fails(build(key, timeout="100ms"))).reason == "timeout"


CUT_OFF = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"ok":',
    "no HTTP": b"220 mail.example.com ESMTP\r\n",
}  # fmt: skip


@pytest.mark.parametrize("said", CUT_OFF.values(), ids=CUT_OFF)
@pytest.mark.parametrize("key", KEYS)
async def test_a_provider_that_hangs_up(standin, build, key, said):
    async def handle(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    standin.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    error = await fails(build(key))
    assert (error.reason, error.permanent) == ("connection_broken", False)
    assert not any(secret in f"{error} {error.detail}" for secret in SECRETS)
    server.close()


@pytest.mark.parametrize("key", KEYS)
async def test_nobody_listens(standin, build, key):
    standin.url = f"http://127.0.0.1:{free_port()}"
    error = await fails(build(key))
    assert (error.reason, error.permanent) == ("connection_failed", False)
    assert not any(secret in f"{error} {error.detail}" for secret in SECRETS)


@pytest.mark.parametrize("key", KEYS)
async def test_a_template_that_fails_is_no_reason_to_try_again(build, key):
    texts = {
        "discord": "title", "slack": "title", "pagerduty": "description", "opsgenie": "message",
        "sns": "message", "telegram": "message", "webhook": None,
    }  # fmt: skip
    name = texts.get(key, "text")
    if name is None:
        return  # A webhook's message is no template.
    error = await fails(build(key, **{name: "{{ index .GroupLabels 1 2 }}"}))
    assert (error.reason, error.permanent) == ("template_failed", True)


@pytest.mark.parametrize("key", KEYS)
async def test_no_secret_is_logged_or_shown(standin, build, key):
    with structlog.testing.capture_logs() as logs:
        integration = build(key)
        await integration.send(told())
    kind = BY_KEY[key]
    written = {
        "global": kind.globals(standin.url),
        "route": {"receiver": "a"},
        "receivers": [{"name": "a", f"{key}_configs": [kind.config(standin.url)]}],
    }
    config = AlertmanagerConfig.model_validate(written)
    text = f"{logs} {shown(config, written)} {config!r} {config.receivers[0].integrations()}"
    assert not any(secret in text for secret in SECRETS)


async def test_a_mail_server_that_repeats_the_password(around):
    async def handle(reader, writer) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"EHLO"):
                writer.write(b"250-hi\r\n250 AUTH PLAIN\r\n")
            else:
                writer.write(b"535 5.7.8 no: " + line.strip() + f" {SECRET}\r\n".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    config = {
        "to": "a@example.com", "from": "t@example.com", "require_tls": False, "auth_username": "tocsin",
        "auth_password": SECRET, "smarthost": f"127.0.0.1:{server.sockets[0].getsockname()[1]}",
    }  # fmt: skip
    channel = next(one for one in CHANNELS if one.key == "email")
    error = await fails(channel.build(EmailConfig.model_validate(config), around))
    assert (error.reason, error.permanent) == ("authentication_failed", False)
    encoded = base64.b64encode(f"\0tocsin\0{SECRET}".encode()).decode()
    assert SECRET not in f"{error} {error.detail}"
    assert encoded not in f"{error} {error.detail}"
    server.close()
