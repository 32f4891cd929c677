"""An inbox: a real SMTP server and webhook receiver whose messages are kept and shown."""

import asyncio
import email
import email.policy
import json
from collections import deque
from dataclasses import asdict, dataclass
from email.message import EmailMessage

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.world.page import render
from services.common.clock import Clock

KEPT = 500


@dataclass(frozen=True)
class Message:
    """One message as its receiver got it."""

    number: int
    at: float
    channel: str
    to: str
    subject: str
    text: str
    html: str
    message_id: str


class Inbox:
    """Keeps the newest messages in memory and wakes who waits for more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._received = 0
        self._changed = asyncio.Condition()

    @property
    def messages(self) -> list[Message]:
        """The kept messages, newest first."""
        return list(reversed(self._messages))

    async def add(self, channel: str, to: str, subject: str, text: str, html: str = "", message_id: str = "") -> None:
        """Keep one message."""
        self._received += 1
        self._messages.append(Message(self._received, self._clock.now(), channel, to, subject, text, html, message_id))
        async with self._changed:
            self._changed.notify_all()

    async def wait_beyond(self, number: int, seconds: float) -> None:
        """Return when a message newer than `number` is here, or after that many seconds."""
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: self._received > number)
            except TimeoutError:
                return

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one mail from the SMTP server."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        mail = email.message_from_bytes(content, policy=email.policy.default)
        await self.add(
            "email",
            ", ".join(envelope.rcpt_tos),
            str(mail["Subject"] or ""),
            _body(mail, "plain"),
            _body(mail, "html"),
            str(mail["Message-ID"] or ""),
        )
        return "250 OK"


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def inbox_app(inbox: Inbox) -> web.Application:
    """Return the application: the page, the messages as JSON (`?after=N&wait=S` waits for more), the webhook."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=render(inbox.messages), content_type="text/html")

    async def messages(request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        wait = min(float(request.query.get("wait", "0")), 30.0)
        if wait:
            await inbox.wait_beyond(after, wait)
        return web.json_response([asdict(m) for m in inbox.messages if m.number > after])

    async def hook(request: web.Request) -> web.Response:
        body = await request.json()
        names = sorted({str(alert["labels"].get("alertname", "")) for alert in body["alerts"]})
        subject = f"[{str(body['status']).upper()}] {', '.join(names)}"
        await inbox.add("webhook", str(request.rel_url.path), subject, json.dumps(body, indent=2))
        return web.Response(text="ok\n")

    app = web.Application(client_max_size=8 * 1024**2)
    app.router.add_get("/", page)
    app.router.add_get("/messages", messages)
    app.router.add_post("/hook", hook)
    return app
