"""The checks as they are known now, for `/metrics` and for reports that come while Postgres is away."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.api.checks.model import Check, CheckDetail
from services.api.checks.schedule import Schedule
from services.api.checks.state import Reports, judge
from services.api.checks.store import CheckStore, Report
from services.common.clock import Clock
from services.common.storage import StorageUnavailableError

REFRESH = 5.0
# While reports can't be read, "nothing came" would be a lie: the series end, and rules keep what they knew.
STALE_AFTER = 60.0
_WAITING = 10_000
log = structlog.get_logger(__name__)


class CheckBook(Collector):
    """Reads all checks every 5 seconds; what is told about them is judged at the time of the question."""

    def __init__(self, store: CheckStore, clock: Clock) -> None:
        self.store, self._clock = store, clock
        self._rows: Sequence[Mapping[str, Any]] = ()
        self._keys: frozenset[bytes] = frozenset()
        self._read_at = 0.0
        self._waiting: deque[Report] = deque()
        self._storing = asyncio.Lock()

    async def round(self) -> None:
        """Store what waits, read all checks, then wait; raises StorageUnavailableError."""
        await self._store_waiting()
        self._rows = await self.store.rows()
        self._keys = frozenset(row["key_hash"] for row in self._rows)
        self._read_at = self._clock.now()
        await self._clock.sleep(REFRESH)

    async def take(self, report: Report) -> bool:
        """Take a report; False when no check has that key.

        While Postgres is away reports of known checks wait in memory, at most 10,000; past that, and for checks that
        are not known yet, StorageUnavailableError is raised, so that the job tries again.
        """
        try:
            await self._store_waiting()
            return await self.store.take(report)
        except StorageUnavailableError:
            if report.key_hash not in self._keys or len(self._waiting) >= _WAITING:
                raise
            self._waiting.append(report)
            return True

    async def _store_waiting(self) -> None:
        # In order and each once: a start that is stored after its end would run for ever.
        async with self._storing:
            while self._waiting:
                await self.store.take(self._waiting[0])
                self._waiting.popleft()

    async def all(self) -> list[Check]:
        """Return all checks as they stand; raises StorageUnavailableError."""
        now = self._clock.now()
        return [describe(row, now) for row in await self.store.rows()]

    async def one(self, check_id: int) -> CheckDetail | None:
        """Return a check with its reports, None when there is none; raises StorageUnavailableError."""
        rows = await self.store.rows(check_id)
        if not rows:
            return None
        check = describe(rows[0], self._clock.now())
        return CheckDetail(**check.model_dump(), pings=await self.store.pings(check_id))

    def known(self) -> list[Check] | None:
        """Return all checks as they were read last and stand now; None when that is too old to be told."""
        now = self._clock.now()
        return [describe(row, now) for row in self._rows] if now - self._read_at <= STALE_AFTER else None

    def collect(self) -> Iterator[Metric]:
        """Return the series of all checks, none where they are not known now."""
        checks = self.known() or []
        waiting = GaugeMetricFamily("tocsin_check_reports_waiting", "Reports that wait for Postgres.")
        waiting.add_metric([], len(self._waiting))
        yield waiting
        yield _family(
            "up",
            "0 when the job failed, is overdue past its grace or did not end; a job that never reported has none.",
            {check.name: float(check.state != "down") for check in checks if check.state != "new"},
        )
        yield _family("late_seconds", "For how long a success is due.", {one.name: one.late_seconds for one in checks})
        yield _family("created_timestamp_seconds", "When it was made.", {one.name: one.created_at for one in checks})
        yield _family(
            "last_ping_timestamp_seconds",
            "When it last reported anything.",
            {one.name: one.last_ping_at for one in checks},
        )
        yield _family(
            "last_success_timestamp_seconds",
            "When it last reported a success.",
            {one.name: one.last_success_at for one in checks},
        )
        yield _family(
            "last_duration_seconds", "How long its last run took.", {one.name: one.last_seconds for one in checks}
        )


def _family(name: str, text: str, values: Mapping[str, float | None]) -> Metric:
    family = GaugeMetricFamily(f"tocsin_check_{name}", text, labels=["check"])
    for check, value in values.items():
        if value is not None:
            family.add_metric([check], value)
    return family


def describe(row: Mapping[str, Any], now: float) -> Check:
    """Return a row of the table as it stands."""
    schedule = Schedule(row["period_seconds"], row["schedule"] or "", row["timezone"])
    reports = Reports(row["last_success_at"], row["running_since"], row["failed"])
    standing = judge(schedule, row["grace_seconds"], reports, now)
    known = {name: row[name] for name in Check.model_fields if name in row}
    return Check(
        **known,
        state=standing.state,
        reason=standing.reason,
        due_at=standing.due_at,
        late_seconds=standing.late_seconds,
    )
