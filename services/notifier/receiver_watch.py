"""Raises and ends the alerts about receivers that can't be reached."""

import structlog

from services.common.events import AlertEvent
from services.common.labels import fingerprint
from services.notifier.engine import BROKEN_RECEIVER, Report
from services.notifier.health import Health, broken_alert, labels_of, mended
from services.notifier.pipeline import Pipeline
from services.notifier.queue import Target
from services.notifier.store import Extra

_RESEND = 60.0
log = structlog.get_logger(__name__)


class ReceiverWatch:
    """Looks at the health of all receivers; its alerts take the same pipeline as any other."""

    def __init__(self, pipeline: Pipeline, health: Health) -> None:
        self._pipeline, self._health = pipeline, health

    async def judge(self) -> None:
        """Say what has changed, and once a minute what has not; nothing to say costs no transaction."""
        now = self._pipeline.clock.now()
        events = self.events(now)
        if events:
            reports = [Report(event) for event in events]
            extra = Extra(publish=[event.encode() for event in events])

            def change(at: float) -> None:
                self._pipeline.engine.apply(reports, at)

            await self._pipeline.step(change, extra)

    def events(self, now: float) -> list[AlertEvent]:
        """Return what is to be said now."""
        broken = self._health.broken(now)
        found = []
        known: dict[Target, AlertEvent] = {}
        for record in self._pipeline.state.alerts.values():
            event = record.event
            if record.firing and event.rule.name == BROKEN_RECEIVER:
                known[event.labels["receiver"], event.labels["integration"]] = event
        for target, failing in broken.items():
            before = known.get(target)
            if before is None:
                log.error("receiver_broken", receiver=target[0], integration=target[1], reason=failing.reason)
            if before is None or now - before.sent_at >= _RESEND:
                found.append(
                    broken_alert(target, failing, before.starts_at if before else self._start(target, now), now)
                )
        for target, event in known.items():
            gone = target not in self._pipeline.generation.integrations
            if target not in broken and (gone or target in self._health.worked):
                log.info("receiver_works_again", receiver=target[0], integration=target[1])
                found.append(mended(event, now))
        return found

    def _start(self, target: Target, now: float) -> float:
        before = self._pipeline.state.newest(fingerprint(labels_of(target)))
        # A new episode must be younger than the one before.
        return now if before is None else max(now, before.event.starts_at + 0.001)
