"""Writes what goes over the streams to the record: consumer group "history"."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
import orjson
import structlog
from pydantic import BaseModel, ValidationError

from services.api.alerts.record import AlertRecord
from services.api.metrics import ApiMetrics
from services.common.bus import Bus, Entry
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM, ActionEvent, AlertEvent

GROUP = "history"
DEAD_STREAM = "{stream}:dead:history"
DEAD_KEPT = 7 * 86_400.0
BATCH = 500
BLOCK_MS = 1000
CLAIM_IDLE_MS = 30_000
MAX_DELIVERIES = 10
"""How often an action may wait for its alert to be recorded: some minutes, at one delivery each CLAIM_IDLE_MS."""
# What the entry itself is to blame for; any other error of the database may pass and is tried again.
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError, ValueError)
EventT = TypeVar("EventT", bound=BaseModel)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Dead:
    entry: Entry
    reason: str
    detail: str


class _Lane(Generic[EventT]):
    """One stream's way to the record; `store` returns the events that must wait."""

    def __init__(
        self, stream: str, model: type[EventT], store: Callable[[Sequence[EventT]], Awaitable[Sequence[EventT]]]
    ) -> None:
        self.stream, self._model, self._store = stream, model, store
        self.held: list[Entry] = []
        """Read but not stored: kept here while Postgres is away, and on the stream as not acknowledged."""

    async def work(self) -> tuple[list[Entry], list[_Dead], list[Entry]]:
        """Store what is held; return the entries that are done, dead or must wait."""
        events, dead = self._decode()
        try:
            waiting = await self._store([event for _, event in events])
        except _REFUSED:
            waiting = []
            for entry, event in list(events):
                try:
                    waiting += await self._store([event])
                except _REFUSED as error:
                    dead.append(_Dead(entry, "refused_by_database", f"{type(error).__name__}: {error}"))
        late = [entry for entry, event in events if any(event is waiter for waiter in waiting)]
        gone = {entry.entry_id for entry in (*late, *(found.entry for found in dead))}
        return [entry for entry in self.held if entry.entry_id not in gone], dead, late

    def _decode(self) -> tuple[list[tuple[Entry, EventT]], list[_Dead]]:
        events: list[tuple[Entry, EventT]] = []
        dead: list[_Dead] = []
        for entry in self.held:
            try:
                events.append((entry, self._model.model_validate_json(entry.payload)))
            except ValidationError as error:
                first = error.errors()[0]
                reason = "not_json" if first["type"] == "json_invalid" else "not_an_event"
                dead.append(_Dead(entry, reason, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
        return events, dead


class Recorder:
    """Acknowledges an entry only when it is committed, or set aside with the reason why it can't be."""

    def __init__(self, bus: Bus, record: AlertRecord, metrics: ApiMetrics, *, consumer: str) -> None:
        self._bus, self._metrics, self._consumer = bus, metrics, consumer

        async def store_events(events: Sequence[AlertEvent]) -> Sequence[AlertEvent]:
            await record.store_events(events)
            return ()

        self._alerts = _Lane(ALERTS_STREAM, AlertEvent, store_events)
        self._actions = _Lane(ACTIONS_STREAM, ActionEvent, record.store_actions)

    async def round(self) -> None:
        """Record what there is, alerts before the actions on them; waits a moment when there is nothing."""
        full = await self._run(self._alerts, BLOCK_MS)
        while full:
            full = await self._run(self._alerts, 0)
        await self._run(self._actions, 0)

    async def measure(self) -> None:
        """Bring the metric of what is not yet recorded up to date."""
        for lane in (self._alerts, self._actions):
            self._metrics.lag.labels(lane.stream).set(await self._bus.lag(lane.stream, GROUP))

    async def _run(self, lane: _Lane[EventT], block_ms: int) -> bool:
        if not lane.held:
            lane.held = await self._bus.read_group(
                lane.stream, GROUP, self._consumer, count=BATCH, block_ms=block_ms, claim_idle_ms=CLAIM_IDLE_MS
            )
        if not lane.held:
            return False
        done, dead, late = await lane.work()
        # An action on an alert that is not recorded yet is claimed again later: not acknowledged, not held.
        given_up = [entry for entry in late if entry.deliveries >= MAX_DELIVERIES]
        dead += [_Dead(entry, "unknown_alert", "no alert of that id was recorded") for entry in given_up]
        await self._bury(lane.stream, dead)
        settled = [entry.entry_id for entry in (*done, *(found.entry for found in dead))]
        await self._bus.ack(lane.stream, GROUP, settled)
        self._metrics.recorded.labels(lane.stream).inc(len(done))
        full, lane.held = len(lane.held) >= BATCH, []
        return full

    async def _bury(self, stream: str, dead: Sequence[_Dead]) -> None:
        payloads = []
        for found in dead:
            self._metrics.dead.labels(found.reason).inc()
            log.error(
                "entry_set_aside", stream=stream, entry=found.entry.entry_id, reason=found.reason, detail=found.detail
            )
            text = found.entry.payload.decode("utf-8", "backslashreplace")
            payloads.append(
                orjson.dumps(
                    {"entry": found.entry.entry_id, "reason": found.reason, "detail": found.detail, "payload": text}
                )
            )
        if payloads:
            await self._bus.publish(DEAD_STREAM.format(stream=stream), payloads, keep_seconds=DEAD_KEPT)
