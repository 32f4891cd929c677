"""A notifier on real servers: SMTP (aiosmtpd), a webhook receiver (aiohttp), Redis and Postgres."""

import asyncio
import email.message
import email.policy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis.asyncio import Redis

from services.common.clock import Clock, SystemClock
from services.common.config import PostgresSettings, RedisSettings, Shared
from services.common.events import AlertEvent, AlertStatus, Muted, RuleRef
from services.common.labels import fingerprint
from services.common.testing.clock import ManualClock
from services.notifier.app import RunningNotifier, build
from services.notifier.config import NotifierConfig


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions lie in servers, other tasks and databases
            await asyncio.sleep(0.01)


async def eventually_async(condition: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


async def passing(clock: ManualClock, condition: Callable[[], object], *, step: float) -> None:
    """Let time pass until a condition holds, with a moment for the sockets after each step."""
    async with asyncio.timeout(60):
        while not condition():
            await clock.advance(step)
            await asyncio.sleep(0.002)


class Mailbox:
    """An SMTP server that keeps what it gets; `answers` are given to RCPT, `hang` holds DATA back."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.rcpt_answers: list[str] = []
        self.data_answers: list[str] = []
        self.hang: asyncio.Event | None = None
        self.port = 0

    async def handle_RCPT(self, _server, _session, envelope: Envelope, address: str, _options) -> str:  # noqa: N802 - aiosmtpd's name
        if self.rcpt_answers:
            answer = self.rcpt_answers.pop(0)
            if not answer.startswith("250"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.hang is not None:
            await self.hang.wait()
        if self.data_answers:
            answer = self.data_answers.pop(0)
            if not answer.startswith("250"):
                return answer
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail["X-Rcpt"] = ",".join(envelope.rcpt_tos)
        self.mails.append(mail)
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@dataclass
class Hook:
    """A webhook receiver that keeps what it gets; `answers` are (status, headers) for the next requests."""

    url: str = ""
    bodies: list[dict] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hang: asyncio.Event | None = None
    calls: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.calls += 1
        body = await request.json()
        if self.hang is not None:
            await self.hang.wait()
        if self.answers:
            status, headers = self.answers.pop(0)
            if status != 200:
                return web.Response(status=status, headers=headers, text="not now")
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        return web.Response()

    @property
    def told(self) -> list[tuple[str, str]]:
        """(alert name, status) of each alert of each message, in order."""
        return [(alert["labels"]["alertname"], alert["status"]) for body in self.bodies for alert in body["alerts"]]


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="test", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    if box.hang is not None:
        box.hang.set()
    server.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    box = Hook()
    app = web.Application()
    app.router.add_post("/hook", box.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    box.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield box
    if box.hang is not None:
        box.hang.set()
    await runner.cleanup()


class Place:
    """Where notifiers are built: again and again over the same Redis, as after a crash."""

    def __init__(self, folder: Path, redis_url: str | None, dsn: str | None) -> None:
        self.folder, self.redis_url, self.dsn = folder, redis_url, dsn
        self.clock: Clock = SystemClock()
        self.settings: dict[str, object] = {}
        self._stacks: list[AsyncExitStack] = []

    def write(self, config: dict) -> None:
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def shared(self) -> Shared:
        return Shared(
            data_dir=self.folder,
            external_url="https://tocsin.example.com",
            heartbeat_interval=0.2,
            redis=RedisSettings(url=self.redis_url) if self.redis_url else None,
            postgres=PostgresSettings(dsn=self.dsn) if self.dsn else None,
        )

    async def start(self, **settings: object) -> RunningNotifier:
        given = {
            "listen": "127.0.0.1:0", "instance": "test", "watch_evaluator": False, "retry_first": "50ms",
            "retry_longest": "200ms", **self.settings, **settings,
        }  # fmt: skip
        stack = AsyncExitStack()
        self._stacks.append(stack)
        config = NotifierConfig.model_validate(given)
        return await build(stack, config, self.shared(), clock=self.clock, base=self.folder)

    async def stop(self) -> None:
        while self._stacks:
            await self._stacks.pop().aclose()

    def client(self, running: RunningNotifier) -> httpx.AsyncClient:
        token = (self.folder / "secrets" / "service-token").read_text(encoding="utf-8").strip()
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{running.port}", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )


@pytest.fixture
async def place(tmp_path: Path, redis_url: str) -> AsyncIterator[Place]:
    here = Place(tmp_path, redis_url, None)
    yield here
    await here.stop()


@pytest.fixture
async def place_without_redis(tmp_path: Path) -> AsyncIterator[Place]:
    here = Place(tmp_path, None, None)
    yield here
    await here.stop()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def hook_config(hook: Hook, *, route: dict | None = None, **webhook: object) -> dict:
    times = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h", "group_by": ["alertname"]}
    return {
        "route": {"receiver": "hook", **times, **(route or {})},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": hook.url, **webhook}]}],
    }


def mail_config(mailbox: Mailbox, **fields: object) -> dict:
    return {
        "global": {
            "smtp_smarthost": f"127.0.0.1:{mailbox.port}", "smtp_from": "tocsin@example.com", "smtp_require_tls": False,
        },
        "route": {"receiver": "mail", "group_wait": "0s", "group_interval": "1s", "group_by": ["alertname"]},
        "receivers": [{"name": "mail", "email_configs": [{"to": "sre@example.com", **fields}]}],
    }  # fmt: skip


def event(
    name: str = "CeleryQueueBacklog",
    status: str = "firing",
    *,
    starts_at: float,
    sent_at: float | None = None,
    muted: str = "",
    rule: dict | None = None,
    **labels: str,
) -> AlertEvent:
    given = {"alertname": name, "severity": "critical", "component": "celery", **labels}
    sent = sent_at if sent_at is not None else starts_at
    return AlertEvent(
        fingerprint=fingerprint(given),
        status=AlertStatus(status),
        labels=given,
        annotations={"summary": f"{name} summary", "description": "45 tasks pending (threshold: 20)",
                     "action": "Scale up Celery workers", "action_link": "/trends?metric=queue"},
        value=45.0,
        active_at=starts_at,
        starts_at=starts_at,
        ends_at=sent + (0 if status == "resolved" else 240),
        sent_at=sent,
        rule=RuleRef(name=name, group="celery", **(rule or {})),
        muted=Muted(muted),
    )  # fmt: skip


async def publish(redis: Redis, *events: AlertEvent, stream: str = "tocsin:alerts") -> None:
    for item in events:
        await redis.xadd(stream, {"event": item.encode()})
