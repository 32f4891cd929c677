"""Reading the two streams: alert events and what people asked for."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
import structlog
from pydantic import BaseModel, ValidationError

from services.common.bus import Bus, BusUnavailableError, Entry
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM, SCHEMA_VERSION, ActionEvent, AlertEvent
from services.notifier.engine import Report
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.store import Extra

GROUP = "notifier"
_COUNT = 500
_BLOCK_MS = 1000
_SUSPECT = 5
# Published by the notifier itself when it was posted; it is taken in already.
_POSTED = "posted"
log = structlog.get_logger(__name__)
Model = TypeVar("Model", bound=BaseModel)


def decode(payload: bytes, model: type[Model]) -> Model | str:
    """Return the event, or the reason why it can't be read, or that it is one of ours for the record."""
    try:
        data = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "not_json"
    if not isinstance(data, dict) or data.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        return "unknown_schema"
    if data.get("source") == _POSTED:
        return _POSTED
    try:
        return model.model_validate(data)
    except ValidationError:
        return "invalid_event"


class Consumer:
    """One stream; entries, what follows from them and their acknowledgement are saved in one transaction."""

    def __init__(
        self,
        bus: Bus,
        pipeline: Pipeline,
        stream: str,
        model: type[Model],
        handle: Callable[[Sequence[Model], float], None],
        caught_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._bus, self._pipeline, self._stream, self._model = bus, pipeline, stream, model
        self._handle: Callable[[Sequence[BaseModel], float], None] = handle  # type: ignore[assignment]  # of one model
        self._caught_up = caught_up

    async def round(self) -> None:
        """Read and deal with one batch.

        The lease makes this copy the group's only reader, so what is unacknowledged is its own, from a step that was
        not saved or from an earlier life: it is claimed at once.
        """
        try:
            entries = await self._bus.read_group(
                self._stream, GROUP, GROUP, count=_COUNT, block_ms=_BLOCK_MS, claim_idle_ms=0
            )
        except BusUnavailableError:
            self._caught_up()
            raise
        suspects = [entry for entry in entries if entry.deliveries > _SUSPECT]
        await self._take([entry for entry in entries if entry.deliveries <= _SUSPECT])
        for entry in suspects:
            await self._take_suspect(entry)
        if len(entries) < _COUNT and all(entry.deliveries == 1 for entry in entries):
            # Claimed entries come before new ones, so only a short batch of new ones is the end.
            self._caught_up()

    async def _take(self, entries: Sequence[Entry]) -> None:
        extra, events = Extra(), []
        for entry in entries:
            event = decode(entry.payload, self._model)
            if event == _POSTED:
                continue
            if isinstance(event, str):
                self._bury(extra, entry, event)
            else:
                events.append(event)
        if entries:
            extra.acks[self._stream, GROUP] = [entry.entry_id for entry in entries]
            await self._pipeline.step(lambda now: self._handle(events, now), extra)

    async def _take_suspect(self, entry: Entry) -> None:
        try:
            await self._take([entry])
        except StandbyError:
            raise
        except Exception as error:
            # It has made us fail again and again: without it the others can go on. The failure itself is kept.
            log.exception("entry_unusable", stream=self._stream, entry=entry.entry_id, error=error)
            extra = Extra(acks={(self._stream, GROUP): [entry.entry_id]})
            self._bury(extra, entry, "processing_failed")
            await self._pipeline.step(lambda _now: None, extra)

    def _bury(self, extra: Extra, entry: Entry, reason: str) -> None:
        log.warning("entry_dead", stream=self._stream, entry=entry.entry_id, reason=reason)
        self._pipeline.metrics.dead.labels(self._stream, reason).inc()
        extra.dead.append({
            "stream": self._stream, "entry_id": entry.entry_id, "reason": reason, "payload": entry.payload,
        })  # fmt: skip


class AlertConsumer(Consumer):
    """`tocsin:alerts`."""

    def __init__(self, bus: Bus, pipeline: Pipeline, heard: Callable[[], None]) -> None:
        super().__init__(bus, pipeline, ALERTS_STREAM, AlertEvent, self._apply, pipeline.caught_up)
        self._heard = heard

    def _apply(self, events: Sequence[AlertEvent], now: float) -> None:
        self._pipeline.metrics.events.labels("stream").inc(len(events))
        if any(event.rule.group != "tocsin-notifier" for event in events):
            self._heard()
        self._pipeline.engine.apply([Report(event) for event in events], now)


class ActionConsumer(Consumer):
    """`tocsin:actions`."""

    def __init__(self, bus: Bus, pipeline: Pipeline) -> None:
        super().__init__(bus, pipeline, ACTIONS_STREAM, ActionEvent, self._act)

    def _act(self, actions: Sequence[ActionEvent], now: float) -> None:
        for action in actions:
            reason = self._pipeline.engine.act(action, now)
            self._pipeline.metrics.actions.labels(action.kind, reason or "done").inc()
            if reason:
                log.warning("action_failed", kind=action.kind, reason=reason, receiver=action.receiver, by=action.by)
