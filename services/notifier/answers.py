"""`/ack/<token>`: the page behind a mail's link. Looking at it changes nothing; the button acknowledges, once."""

import hashlib
import uuid
from collections.abc import Sequence
from html import escape

import structlog
from aiohttp import web

from services.common.events import ActionEvent
from services.notifier.actions import Actions
from services.notifier.alerts import AlertRecord
from services.notifier.channels.kit.inbound import CallRefusedError
from services.notifier.channels.kit.memory import Memory
from services.notifier.channels.kit.tickets import Tickets
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
    "unknown_message": "What this link was about is no longer known. Open the alerts on the dashboard.",
    "resolved": "This alert is over already; there is nothing left to acknowledge.",
    "standing_by": "The notifier is just being taken over by another copy. Try again in a moment.",
}
log = structlog.get_logger(__name__)


class Answers:
    """The handlers."""

    def __init__(self, pipeline: Pipeline, actions: Actions, memory: Memory, links: Links) -> None:
        self._pipeline, self._actions, self._memory, self._links = pipeline, actions, memory, links
        self._tickets = Tickets(memory)

    def add_routes(self, app: web.Application) -> None:
        """Serve the pages."""
        # Mail scanners fetch every link, so only the button's POST may act.
        app.router.add_get("/ack/{token}", self.show)
        app.router.add_post("/ack/{token}", self.acknowledge)

    async def show(self, request: web.Request) -> web.Response:
        """Show the alert, or the list of them, and the button."""
        try:
            answer = self._links.read(request.match_info["token"], self._pipeline.clock.now())
            records = await self._records(answer)
            await self._unused(request.match_info["token"])
        except LinkError as error:
            return self._refused(error)
        button = f"<form method=post><button>{_button(answer, records)} as {escape(answer.by)}</button></form>"
        title = f"{len(records)} alerts" if answer.message else _title(records[0])
        told = self._listed(records) if answer.message else self._told(records[0])
        return _page(title, told + button + self._page_link(answer))

    def _told(self, record: AlertRecord) -> str:
        event = record.event
        lines = [event.annotations.get("description", ""), f"Severity: {event.labels.get('severity', 'none')}"]
        known = self._pipeline.state.acks.get(event.alert_id)
        if known is not None and known.active:
            lines.append(f"Acknowledged already by {known.by}.")
        return "".join(f"<p>{escape(line)}</p>" for line in lines if line)

    def _listed(self, records: Sequence[AlertRecord]) -> str:
        items = []
        for record in records:
            known = self._pipeline.state.acks.get(record.event.alert_id)
            taken = f" (acknowledged by {known.by})" if known is not None and known.active else ""
            severity = record.event.labels.get("severity", "")
            items.append(f"<li>{escape(f'[{severity}] ' if severity else '')}{escape(_title(record) + taken)}</li>")
        return f"<ul>{''.join(items)}</ul>"

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Acknowledge, once a link."""
        token, now = request.match_info["token"], self._pipeline.clock.now()
        try:
            answer = self._links.read(token, now)
            records = await self._records(answer)
            await self._use(answer, records, token, now)
        except LinkError as error:
            return self._refused(error)
        self._pipeline.metrics.answers.labels("done").inc()
        for record in records:
            log.info("acknowledged_by_link", alert_id=record.event.alert_id, by=answer.by)
        told = self._listed(records) if answer.message else f"<p>{escape(_title(records[0]))}</p>"
        return _page("Acknowledged", f"{told}<p>Repeats and escalation stop.</p>" + self._page_link(answer))

    async def _unused(self, token: str) -> None:
        if await self._memory.get(_used(token)) is not None:
            raise LinkError("used")

    async def _use(self, answer: Answer, records: Sequence[AlertRecord], token: str, now: float) -> None:
        if not await self._memory.claim(_used(token), max(1.0, answer.expires - now)):
            raise LinkError("used")
        try:
            await self._actions.publish(*(_action(answer, record.event.alert_id, token, now) for record in records))
        except StandbyError:
            # Not passed on, so it may be used again in a moment.
            await self._memory.put(_used(token), {}, 0.001)
            raise LinkError("standing_by") from None

    async def _records(self, answer: Answer) -> list[AlertRecord]:
        """Return what of it still fires; raises LinkError when nothing does."""
        if not self._pipeline.active:
            raise LinkError("standing_by")
        known = self._pipeline.state.alerts
        records = [known[alert_id] for alert_id in await self._alert_ids(answer) if alert_id in known]
        if not records:
            raise LinkError("unknown_alert")
        firing = [record for record in records if record.firing]
        if not firing:
            raise LinkError("resolved")
        return firing

    async def _alert_ids(self, answer: Answer) -> list[str]:
        if not answer.message:
            return [answer.alert_id]
        try:
            return [str(one) for one in (await self._tickets.show(answer.message))["alerts"]]
        except CallRefusedError:
            raise LinkError("unknown_message") from None

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


def _button(answer: Answer, records: Sequence[AlertRecord]) -> str:
    return f"Acknowledge all {len(records)}" if answer.message else "Acknowledge"


def _action(answer: Answer, alert_id: str, token: str, now: float) -> ActionEvent:
    # The same link gives the same actions: read twice they are done once.
    said = f"link:{token}:{alert_id}" if answer.message else f"link:{token}"
    return ActionEvent(
        action_id=str(uuid.UUID(bytes=hashlib.sha256(said.encode()).digest()[:16])), kind="acknowledge", at=now,
        by=answer.by, alert_id=alert_id, comment="by a mail's link",
    )  # fmt: skip
