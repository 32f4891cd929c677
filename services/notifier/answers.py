"""`/ack/<token>`: the page behind a mail's link. Looking at it changes nothing; the button acknowledges, once."""

import hashlib
import uuid
from html import escape

import structlog
from aiohttp import web

from services.common.events import ActionEvent
from services.notifier.actions import Actions
from services.notifier.alerts import AlertRecord
from services.notifier.channels.kit.memory import Memory
from services.notifier.links import Answer, LinkError, Links
from services.notifier.pipeline import Pipeline, StandbyError

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title><style>
body{{margin:0;padding:24px;font:17px/1.5 system-ui,sans-serif;background:#f6f8fa;color:#1f2328}}
main{{max-width:32rem;margin:0 auto;background:#fff;border:1px solid #d0d7de;padding:24px}}
h1{{font-size:22px;margin:0 0 12px}}button{{font:inherit;padding:12px 20px;background:#1f2328;color:#fff;border:0}}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TEXTS = {
    "malformed": "This is no link of ours. It may have been cut in the mail.",
    "forged": "This is no link of ours. It may have been cut in the mail.",
    "expired": "This link is too old. Open the alert on the dashboard.",
    "used": "This link has been used already.",
    "unknown_alert": "This alert is long over.",
    "resolved": "This alert is over already; there is nothing left to acknowledge.",
    "standing_by": "The notifier is just being taken over by another copy. Try again in a moment.",
}
log = structlog.get_logger(__name__)


class Answers:
    """The handlers."""

    def __init__(self, pipeline: Pipeline, actions: Actions, memory: Memory, links: Links) -> None:
        self._pipeline, self._actions, self._memory, self._links = pipeline, actions, memory, links

    def add_routes(self, app: web.Application) -> None:
        """Serve the pages."""
        # Mail scanners fetch every link, so only the button's POST may act.
        app.router.add_get("/ack/{token}", self.show)
        app.router.add_post("/ack/{token}", self.acknowledge)

    async def show(self, request: web.Request) -> web.Response:
        """Show the alert and the button."""
        try:
            answer = self._links.read(request.match_info["token"], self._pipeline.clock.now())
            record = self._record(answer)
            await self._unused(request.match_info["token"])
        except LinkError as error:
            return self._refused(error)
        event = record.event
        lines = [event.annotations.get("description", ""), f"Severity: {event.labels.get('severity', 'none')}"]
        known = self._pipeline.state.acks.get(event.alert_id)
        if known is not None and known.active:
            lines.append(f"Acknowledged already by {known.by}.")
        body = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
        button = f"<form method=post><button>Acknowledge as {escape(answer.by)}</button></form>"
        return _page(_title(record), body + button + self._page_link(answer))

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Acknowledge, once a link."""
        token, now = request.match_info["token"], self._pipeline.clock.now()
        try:
            answer = self._links.read(token, now)
            record = self._record(answer)
            await self._use(answer, token, now)
        except LinkError as error:
            return self._refused(error)
        self._pipeline.metrics.answers.labels("done").inc()
        log.info("acknowledged_by_link", alert_id=answer.alert_id, by=answer.by)
        body = f"<p>{escape(_title(record))}</p><p>Repeats and escalation stop.</p>"
        return _page("Acknowledged", body + self._page_link(answer))

    async def _unused(self, token: str) -> None:
        if await self._memory.get(_used(token)) is not None:
            raise LinkError("used")

    async def _use(self, answer: Answer, token: str, now: float) -> None:
        if not await self._memory.claim(_used(token), max(1.0, answer.expires - now)):
            raise LinkError("used")
        try:
            await self._actions.publish(_action(answer, token, now))
        except StandbyError:
            # Not passed on, so it may be used again in a moment.
            await self._memory.put(_used(token), {}, 0.001)
            raise LinkError("standing_by") from None

    def _record(self, answer: Answer) -> AlertRecord:
        record = self._pipeline.state.alerts.get(answer.alert_id)
        if not self._pipeline.active:
            raise LinkError("standing_by")
        if record is None:
            raise LinkError("unknown_alert")
        if not record.firing:
            raise LinkError("resolved")
        return record

    def _page_link(self, answer: Answer) -> str:
        return f'<p><a href="{escape(self._links.page_url(answer.alert_id))}">Open on the dashboard</a></p>'

    def _refused(self, error: LinkError) -> web.Response:
        self._pipeline.metrics.answers.labels(error.reason).inc()
        status = {"standing_by": 503, "malformed": 404, "forged": 404, "expired": 410}.get(error.reason, 409)
        return _page("Not acknowledged", f"<p>{escape(_TEXTS[error.reason])}</p>", status)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    text = _PAGE.format(title=escape(title), body=body)
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)


def _title(record: AlertRecord) -> str:
    event = record.event
    return event.annotations.get("summary") or event.labels.get("alertname", "Alert")


def _used(token: str) -> str:
    return f"answered:{hashlib.sha256(token.encode()).hexdigest()[:32]}"


def _action(answer: Answer, token: str, now: float) -> ActionEvent:
    # The same link gives the same action: read twice it is done once.
    digest = hashlib.sha256(f"link:{token}".encode()).digest()
    return ActionEvent(
        action_id=str(uuid.UUID(bytes=digest[:16])), kind="acknowledge", at=now, by=answer.by,
        alert_id=answer.alert_id, comment="by a mail's link",
    )  # fmt: skip
