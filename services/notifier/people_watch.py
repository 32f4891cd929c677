"""Looks after people from time to time: acknowledgements that run out, and preferences that have changed."""

import dataclasses
import hashlib
import uuid
from collections.abc import Mapping
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.events import ActionEvent
from services.common.people import OVERRIDES_KEY, PEOPLE_KEY
from services.notifier.actions import Actions
from services.notifier.decisions import Reason
from services.notifier.people.preferences import read_preferences
from services.notifier.people.takeovers import read_takeovers
from services.notifier.pipeline import Pipeline

_HOLDING = (Reason.QUIET_HOURS, Reason.RATE_LIMIT, Reason.STORM)
log = structlog.get_logger(__name__)


class PeopleWatch:
    """Works while this copy does."""

    def __init__(self, pipeline: Pipeline, redis: Redis | None, actions: Actions) -> None:
        self._pipeline, self._redis, self._actions = pipeline, redis, actions
        self._rows: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
        self._told: dict[str, Mapping[str, str]] = {}

    async def round(self) -> None:
        """Look once."""
        await self.end_acknowledgements()
        await self.read_preferences()

    async def end_acknowledgements(self) -> None:
        """Give back what was taken on for a time that is up: as an action, so that the lasting record has it too."""
        now = self._pipeline.clock.now()
        for alert_id, ack in list(self._pipeline.state.acks.items()):
            record = self._pipeline.state.alerts.get(alert_id)
            if ack.ran_out(now) and record is not None and record.firing:
                digest = hashlib.sha256(f"ran out:{alert_id}:{ack.until}".encode()).digest()
                await self._actions.publish(ActionEvent(
                    action_id=str(uuid.UUID(bytes=digest[:16])), kind="unacknowledge", at=ack.until or now, by="tocsin",
                    alert_id=alert_id, comment=f"acknowledgement of {ack.by} ran out",
                ))  # fmt: skip

    async def read_preferences(self) -> None:
        """Take changed preferences and takeovers into force; what can't be followed is named once, and counted."""
        if self._redis is None or not self._pipeline.store.online:
            return
        try:
            people = cast("dict[bytes, bytes]", await self._redis.hgetall(PEOPLE_KEY))
            overrides = cast("dict[bytes, bytes]", await self._redis.hgetall(OVERRIDES_KEY))
        except (RedisError, OSError):
            # The store says that Redis is away; what was read last stays in force.
            return
        preferences, wrong = read_preferences(people)
        takeovers, bad = read_takeovers(overrides)
        preferences = dataclasses.replace(preferences, takeovers=takeovers)
        directory = self._pipeline.generation.directory
        self._tell("preference_ignored", wrong | preferences.problems(directory))
        self._tell("override_ignored", bad | preferences.takeover_problems(directory))
        self._pipeline.metrics.preferences_ignored.set(len(self._told["preference_ignored"]))
        self._pipeline.metrics.overrides_ignored.set(len(self._told["override_ignored"]))
        if (people, overrides) != self._rows:
            self._rows = (people, overrides)
            await self._pipeline.prefer(preferences)

    def _tell(self, event: str, wrong: Mapping[str, str]) -> None:
        known = self._told.get(event, {})
        for name, problem in wrong.items():
            if known.get(name) != problem:
                log.warning(event, name=name, problem=problem)
        self._told[event] = wrong

    def measure(self) -> None:
        """Show how much waits."""
        state, metrics = self._pipeline.state, self._pipeline.metrics
        counts = dict.fromkeys(_HOLDING, 0)
        for held in state.held.values():
            counts[held.reason] += 1
        for reason, count in counts.items():
            metrics.held.labels(reason.value).set(count)
        metrics.escalations.set(sum(one.next_at is not None for one in state.escalations.values()))
