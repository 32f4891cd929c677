"""Asks the evaluator for values and rules, and Redis for heartbeats, and puts them into the overview."""

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.api.evaluator import EvaluatorClient, EvaluatorError
from services.api.metrics import ApiMetrics
from services.api.overview.evaluated import index_rules, instant_values, next_evaluation, range_values
from services.api.overview.external import external_services
from services.api.overview.ring import SPAN, STEP
from services.api.overview.state import OverviewState
from services.common.clock import Clock
from services.common.heartbeat import read_heartbeats
from services.common.telemetry import Telemetry

START_SECONDS = 10.0
_SETTLED = 0.06
"""Seconds after which an evaluation that was due can be read."""
log = structlog.get_logger(__name__)


class Poller:
    """One round asks once; what fails is shown as old or unknown, and asked again at the next round."""

    def __init__(
        self,
        overview: OverviewState,
        evaluator: EvaluatorClient,
        clock: Clock,
        metrics: ApiMetrics,
        telemetry: Telemetry,
        *,
        interval: float,
    ) -> None:
        self._overview, self._evaluator, self._clock = overview, evaluator, clock
        self._metrics, self._telemetry, self._interval = metrics, telemetry, interval
        self._last_result = "answered"
        self._filled = False
        self._began, self._ever = clock.monotonic(), False

    async def round(self) -> None:
        """Ask the evaluator, then wait an interval, or less: a new value is to be seen as soon as it is there."""
        start = self._clock.monotonic()
        try:
            await self._ask()
        except EvaluatorError as error:
            # What happened while nobody answered is filled in from the store afterwards.
            self._filled = False
            self._note(error.reason, str(error))
        else:
            self._note("answered", "")
        await self._clock.sleep(min(self._interval - (self._clock.monotonic() - start), self._until_next()))

    def _until_next(self) -> float:
        now, groups = self._clock.now(), self._overview.rules
        due = next_evaluation(groups, now) if groups is not None else None
        return self._interval if due is None else due + _SETTLED - now

    async def _ask(self) -> None:
        groups = await self._evaluator.rules()
        index = index_rules(groups)
        now = self._clock.now()
        if not self._filled:
            # Whole steps, so that the points fall on the same marks as those that are added later.
            end = int(now) // STEP * STEP
            self._overview.take_past(range_values(await self._evaluator.recorded_since(end - SPAN, end, STEP), index))
            self._filled = True
        vector = await self._evaluator.recorded_now(now)
        self._overview.take_rules(groups, index)
        self._overview.take_values(instant_values(vector, index), now, external_services(vector))

    def _note(self, result: str, detail: str) -> None:
        self._metrics.polls.labels(result).inc()
        self._telemetry.dependency_up.labels("evaluator").set(1 if result == "answered" else 0)
        self._ever = self._ever or result == "answered"
        if not self._ever and self._clock.monotonic() - self._began < START_SECONDS:
            # All services start at once: an evaluator that isn't up yet is no news.
            return
        if result != self._last_result:
            if result == "answered":
                log.info("evaluator_answers", before=self._last_result)
            else:
                log.warning("evaluator_away", reason=result, detail=detail)
        self._last_result = result


class HeartbeatPoller:
    """Reads who lives."""

    def __init__(self, overview: OverviewState, redis: Redis, clock: Clock, telemetry: Telemetry) -> None:
        self._overview, self._redis, self._clock, self._telemetry = overview, redis, clock, telemetry

    async def round(self) -> None:
        """Read all heartbeats, then wait; raises the client's error when Redis is away."""
        try:
            beats = await read_heartbeats(self._redis)
        except (RedisError, OSError):
            self._telemetry.dependency_up.labels("redis").set(0)
            self._overview.take_heartbeats(None)
            raise
        self._telemetry.dependency_up.labels("redis").set(1)
        self._overview.take_heartbeats(beats)
        await self._clock.sleep(2.0)
