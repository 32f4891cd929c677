"""One step at a time: change the working copy, look at groups whose time has come, save it all in one transaction."""

import asyncio
from collections.abc import Callable

import structlog

from services.common.clock import Clock
from services.notifier.codec import encode_event
from services.notifier.engine import Engine, Limits
from services.notifier.outbox import Entry
from services.notifier.people.directory import CONTACT, Directory
from services.notifier.people.preferences import Preferences
from services.notifier.queue import Target
from services.notifier.receivers import Generation
from services.notifier.state import State
from services.notifier.store import Extra, LeaseLostError, Store
from services.notifier.telemetry import NotifierMetrics

_CATCH_UP = 10.0
_MAX_FORMER = 4
# As long as the evaluator keeps its own.
_KEEP_EVENTS = 86_400.0
# In a storm of single alerts the first messages should leave before the last group is looked at.
_GROUPS_AT_ONCE = 500
log = structlog.get_logger(__name__)


class StandbyError(RuntimeError):
    """Another copy of the notifier works; this one takes nothing."""


class Pipeline:
    """The working copy and the lock around it; `active` between `begin` and the loss of the lease."""

    def __init__(
        self,
        store: Store,
        generation: Generation,
        *,
        clock: Clock,
        metrics: NotifierMetrics,
        limits: Limits,
        max_attempts: int,
        record_posted: bool = True,
    ) -> None:
        self.store, self.generation, self.clock, self.metrics = store, generation, clock, metrics
        self._limits, self._max_attempts = limits, max_attempts
        self.record_posted = record_posted
        self._lock = asyncio.Lock()
        self.preferences = Preferences()
        self._engine = self._new_engine()
        self._hold_until = 0.0
        self.former: list[Generation] = []
        """Configurations out of force that still send, or by which somebody is still to be told an end."""
        self.active = False
        self.lost = asyncio.Event()
        self.work = asyncio.Event()
        """Set when the outbox or a timer may need a look."""
        self.attempted = asyncio.Event()
        """Set when there are records of attempts for Postgres."""

    def _new_engine(self) -> Engine:
        state = State(max_attempts=self._max_attempts)
        one = self.generation
        return Engine(state, one.tree, one.receivers, self._limits, one.muting, self.directory())

    def directory(self) -> Directory:
        """Return the people of the configuration in force, as they prefer it."""
        return self.preferences.applied(self.generation.directory)

    async def prefer(self, preferences: Preferences) -> None:
        """Take people's own preferences into force."""
        self.preferences = preferences
        if self.active:
            await self.step(lambda _now: self._reconfigure())

    @property
    def engine(self) -> Engine:
        """The engine over the present working copy."""
        return self._engine

    @property
    def state(self) -> State:
        """The present working copy."""
        return self._engine.state

    async def begin(self) -> bool:
        """Start to work: take the lease and load what was saved; False when another copy works.

        With Redis away at the start it works from memory alone, and takes in what was saved once Redis is there.
        """
        async with self._lock:
            self._engine = self._new_engine()
            self.lost.clear()
            if self.store.configured and not await self._open():
                return False
            self._reconfigure()
            self.active = True
            self._hold_until = self.clock.now() + _CATCH_UP if self.store.online else 0.0
            self.metrics.active.set(1)
        return True

    async def _open(self) -> bool:
        try:
            await self.store.recover(self.state, begin=True)
        except LeaseLostError:
            self.metrics.active.set(0)
            return False
        except self.store.away as error:
            if self.store.seen_other:
                # Another copy was at work when Redis was last seen: it goes on from its memory, we would double it.
                raise
            log.warning("redis_away", error=error, at="start")
        return True

    def _reconfigure(self) -> None:
        # Routes may differ from those of an earlier life.
        now, one = self.clock.now(), self.generation
        self._engine.reconfigure(one.tree, one.receivers, now, one.muting, self.directory())

    async def step(self, change: Callable[[float], None], extra: Extra | None = None, *, renew: bool = False) -> bool:
        """Apply a change at the present time; True when it is saved. Raises StandbyError."""
        async with self._lock:
            if not self.active:
                raise StandbyError("another notifier works now")
            now = self.clock.now()
            change(now)
            self.flush(now)
            try:
                saved = await self._commit(extra or Extra(), now, renew=renew)
            except LeaseLostError as error:
                raise self._stand_by(error) from error
            self.work.set()
            return saved

    async def _commit(self, extra: Extra, now: float, *, renew: bool) -> bool:
        state = self.state
        if not (self.record_posted and self.store.configured):
            state.unpublished.clear()
        extra.publish.extend(encode_event(record.event) for record in state.unpublished.values())
        extra.publish_since = now - _KEEP_EVENTS
        saved = await self.store.commit(state, extra, renew=renew)
        if saved:
            state.unpublished.clear()
        return saved

    def flush(self, now: float) -> None:
        """Put the messages that are due into the outbox; only inside a step."""
        if now >= self._hold_until:
            for due in self._engine.flush_due(now, _GROUPS_AT_ONCE):
                self.metrics.messages.labels(due.cause.value).inc()

    async def recover(self) -> None:
        """Write everything anew if Redis was away and is back; raises the client's error when it is not."""
        async with self._lock:
            if not self.active or self.store.online or not self.store.configured:
                return
            try:
                await self.store.recover(self.state)
            except LeaseLostError as error:
                raise self._stand_by(error) from error
            self._reconfigure()
            log.info("redis_back", alerts=len(self.state.alerts), outbox=len(self.state.queue))
            self.work.set()

    def _stand_by(self, error: LeaseLostError) -> StandbyError:
        log.warning("standing_by", error=error)
        self.active = False
        self.metrics.active.set(0)
        self.lost.set()
        return StandbyError("another notifier works now")

    async def reconfigure(self, generation: Generation) -> None:
        """Put a new configuration into force."""
        async with self._lock:
            old, self.generation = self.generation, generation
            self._reconfigure()
        old.retired = True
        self.former.append(old)
        await self.close_unused()
        if self.active:
            await self.step(lambda _now: None)

    async def close_unused(self) -> None:
        """Close what belongs to configurations that nothing needs any more."""
        if not self.former:
            return
        needed = self._to_be_told()
        for generation in self.former[:-_MAX_FORMER]:
            await generation.done()
        for generation in self.former[-_MAX_FORMER:]:
            if not any(
                (one := generation.integrations.get(target)) is not None and recipient in one.recipients
                for target, recipient in needed
            ):
                await generation.done()
        self.former = [generation for generation in self.former if not generation.closed]

    async def aclose(self) -> None:
        """Close what all configurations hold, in force or not; nothing is sent after it."""
        generations, self.former = [*self.former, self.generation], []
        for generation in generations:
            generation.users = 0
            await generation.retire()

    def _to_be_told(self) -> set[tuple[Target, str]]:
        """Return to whom, of those told by groups that still are, the present configuration does not lead."""
        found = set()
        for group in self.state.groups.values():
            for key in group.threads:
                name, _, recipient = key.partition("|")
                if name.startswith(f"{CONTACT}/"):
                    found.update(self._ways_of(recipient))
                    continue
                one = self.generation.integrations.get((group.receiver, name))
                if one is None or recipient not in one.recipients:
                    found.add(((group.receiver, name), recipient))
        for held in self.state.held.values():
            kind, _, name = held.desk_id.partition(":")
            if kind == CONTACT:
                found.update(self._ways_of(name))
        for entry in self.state.queue.entries.values():
            found.add(((entry.receiver, entry.integration), entry.recipient))
        return found

    def _ways_of(self, name: str) -> set[tuple[Target, str]]:
        """Return the ways to a contact that only former configurations know."""
        if name in self.generation.directory.contacts:
            return set()
        known = (one.directory.contacts[name] for one in self.former if name in one.directory.contacts)
        return {((one.receiver, way.integration), to) for one in known for way in one.ways for to in way.recipients}

    def is_saved(self, entry: Entry) -> bool:
        """Tell whether an entry may be sent: a crash must find it in Redis, unless that is away."""
        return not self.store.online or entry.delivery_id not in self.state.dirty.outbox

    def caught_up(self) -> None:
        """Say that the stream's backlog is read: from now on groups are looked at.

        Before, an alert whose end is further on in the backlog would still be told.
        """
        if self._hold_until > 0:
            self._hold_until = 0.0
            self.work.set()

    def next_timer(self) -> float | None:
        """Return when the next group is to be looked at."""
        timer = self.state.next_timer()
        return None if timer is None else max(timer, self._hold_until)
