"""What follows from an attempt's outcome: the entry is done, given up, or tried again. Only inside a step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from services.notifier import attempt
from services.notifier.attempt import Result
from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError
from services.notifier.codec import encode
from services.notifier.config import NotifierConfig
from services.notifier.health import Health
from services.notifier.outbox import Entry, back_off, released, superseded_by
from services.notifier.pipeline import Pipeline
from services.notifier.receipts import is_personal

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to; no error: delivered. `result` is given where no attempt was made any more."""

    delivery_id: str
    at: float
    duration: float
    provider_id: str = ""
    error: DeliveryError | None = None
    result: Result | None = None
    unconfirmed: bool = False
    """The provider has taken it and will say later what became of it."""


class Settling:
    """Changes the outbox by what became of attempts, and records each."""

    def __init__(self, pipeline: Pipeline, settings: NotifierConfig, health: Health) -> None:
        self._pipeline, self._settings, self._health = pipeline, settings, health
        self._warned: set[tuple[str, str]] = set()

    def is_over(self, entry: Entry, now: float) -> bool:
        """Tell whether trying on makes no sense: its time is up, and nothing that it tells of still fires."""
        if now < entry.give_up_at:
            return False
        if entry.status != "firing":
            return True
        alerts = self._pipeline.state.alerts
        return not any((record := alerts.get(key)) is not None and record.firing for key in entry.alert_ids)

    def settle(self, outcomes: Sequence[Outcome], now: float) -> list[Mapping[Any, Any]]:
        """Settle attempts; return what goes to the dead letters: entries that make us fail again and again."""
        dead: list[Mapping[Any, Any]] = []
        for outcome in outcomes:
            entry = self._pipeline.state.queue.entries.get(outcome.delivery_id)
            if entry is None:
                continue
            self._settle(entry, outcome, now)
            error = outcome.error
            if error is not None and error.permanent and error.reason == "internal_error":
                self._pipeline.metrics.dead.labels("outbox", error.reason).inc()
                reason = f"{error.reason}: {error.detail}"
                dead.append(
                    {"stream": "outbox", "entry_id": entry.delivery_id, "reason": reason, "payload": encode(entry)}
                )
        return dead

    def _settle(self, entry: Entry, outcome: Outcome, now: float) -> None:
        target, error = (entry.receiver, entry.integration), outcome.error
        state, metrics = self._pipeline.state, self._pipeline.metrics
        if error is None:
            result, reason = Result.DELIVERED, ""
            state.drop_entry(entry.delivery_id)
            if outcome.unconfirmed and is_personal(entry):
                state.put_unconfirmed(entry)
            metrics.delivery_seconds.labels(entry.channel).observe(outcome.at - entry.created_at)
            self._health.delivered(target)
        else:
            reason = error.reason
            result = outcome.result or self._after_failure(entry, error, now)
            if outcome.result is not None:
                state.drop_entry(entry.delivery_id)
            self._health.failed(target, reason, now, certain=reason == AUTHENTICATION_FAILED)
        state.put_attempt(attempt.record(
            entry, result, at=outcome.at, reason=reason, detail=error.detail if error else "",
            provider_id=outcome.provider_id, duration=outcome.duration,
        ))  # fmt: skip
        metrics.attempts.labels(entry.channel, result.value, reason).inc()
        metrics.attempt_seconds.labels(entry.channel).observe(outcome.duration)
        self._log(entry, result, outcome)

    def _after_failure(self, entry: Entry, error: DeliveryError, now: float) -> Result:
        queue, settings = self._pipeline.state.queue, self._settings
        newer = [other for other in queue.lane(entry.lane) if other.created_at >= entry.created_at]
        reception = self._pipeline.engine.posting.reception
        shut_out = error.reason == AUTHENTICATION_FAILED
        moved = reception.next_way(entry, permanent=error.permanent, now=now, at_once=shut_out)
        if moved is not None and not self.is_over(entry, now):
            self._pipeline.state.drop_entry(entry.delivery_id)
            self._pipeline.state.put_entry(moved)
            return Result.PERMANENT_FAILURE if error.permanent else Result.TEMPORARY_FAILURE
        free = released(entry, next_at=now)
        wait_for = back_off(
            entry, base=settings.retry_first, longest=settings.retry_longest, retry_after=error.retry_after
        )
        if error.permanent:
            result = Result.PERMANENT_FAILURE
        elif self.is_over(entry, now + wait_for) or any(superseded_by(other, [free]) for other in newer):
            result = Result.EXPIRED
        else:
            self._pipeline.state.put_entry(released(entry, next_at=now + wait_for))
            return Result.TEMPORARY_FAILURE
        self._pipeline.state.drop_entry(entry.delivery_id)
        return result

    def _log(self, entry: Entry, result: Result, outcome: Outcome) -> None:
        target = (entry.receiver, entry.integration)
        if outcome.error is None:
            if target in self._warned:
                self._warned.discard(target)
                log.info("delivery_works_again", receiver=entry.receiver, channel=entry.channel)
        elif target not in self._warned or result is not Result.TEMPORARY_FAILURE:
            self._warned.add(target)
            log.warning(
                "delivery_failed", receiver=entry.receiver, channel=entry.channel, reason=outcome.error.reason,
                detail=outcome.error.detail, attempt=entry.attempts, result=result.value,
            )  # fmt: skip
