"""Running collectors one after the other: each one's switch, its kept result, and the truth about how it went."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import asyncpg
import structlog

from services.collector.reasons import Reason, reason_of
from services.collector.sheet import Family, Sheet
from services.collector.sources.base import CollectorSwitch
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.link import FAILED, GONE
from services.collector.sources.postgres.together import fetch_together, with_ready
from services.common.clock import Clock

log = structlog.get_logger(__name__)
_ALONE_SECONDS = 300.0


@dataclass(frozen=True)
class Outcome:
    """How one run of a collector went."""

    sheet: Sheet
    at: float
    took: float
    reason: Reason | None = None


class Runner:
    """The collectors of one target."""

    def __init__(self, switches: Mapping[str, CollectorSwitch], clock: Clock) -> None:
        self._switches, self._clock = switches, clock
        self._kept: dict[str, Outcome] = {}
        self._alone_until = 0.0

    def enabled(self, name: str, *, default: bool = True) -> bool:
        """Tell whether a collector is on."""
        switch = self._switches.get(name)
        return default if switch is None or switch.enabled is None else switch.enabled

    def interval(self, name: str, default: float) -> float:
        """Return for how many seconds a collector's result is kept."""
        switch = self._switches.get(name)
        return default if switch is None or switch.min_interval is None else switch.min_interval

    async def run(self, collectors: Iterable[PostgresCollector], session: Session, sheet: Sheet) -> bool:
        """Write what all have found; return whether none failed. Raises when the connection, or all time, is gone."""
        well = True
        wanted = [
            one for one in collectors if session.version >= one.needs and self.enabled(one.name, default=one.enabled)
        ]
        session = await self._asked_ahead(wanted, session)
        for one in wanted:
            outcome = self._kept.get(one.name)
            if outcome is None or self._due(one):
                outcome = self._kept[one.name] = await run_one(one, session, sheet, self._clock)
            merge(sheet, outcome.sheet)
            write_truth(sheet, one.name, outcome.reason, outcome.took)
            well = well and outcome.reason is None
        return well

    def _due(self, one: PostgresCollector) -> bool:
        last = self._kept.get(one.name)
        return last is None or self._clock.monotonic() - last.at >= self.interval(one.name, one.interval)

    async def _asked_ahead(self, wanted: Iterable[PostgresCollector], session: Session) -> Session:
        statements = [one.ahead(session.version) for one in wanted if one.ahead is not None and self._due(one)]
        now = self._clock.monotonic()
        if len(statements) <= 1 or now < self._alone_until:
            return session
        try:
            ready = await fetch_together(session.fetch, statements)
        except GONE:
            raise
        except FAILED as error:
            # One of them is enough; asked alone each tells its own reason, and the others have their rows.
            self._alone_until = now + _ALONE_SECONDS
            log.warning("statements_asked_alone", target=session.target.name, error=f"{type(error).__name__}: {error}")
            return session
        return replace(session, fetch=with_ready(session.fetch, ready))


async def run_one(collector: PostgresCollector, session: Session, sheet: Sheet, clock: Clock) -> Outcome:
    """Run one collector; what it wrote before it failed is kept.

    Raises when the connection, or all time, is gone, after the failure stands on `sheet`.
    """
    start, part = clock.monotonic(), Sheet()
    try:
        await collector.work(session, part)
    except GONE as error:
        write_truth(sheet, collector.name, reason_of(error), clock.monotonic() - start)
        raise
    except FAILED as error:
        return Outcome(part, start, clock.monotonic() - start, reason_of_statement(error))
    return Outcome(part, start, clock.monotonic() - start)


def write_truth(sheet: Sheet, name: str, reason: Reason | None, took: float) -> None:
    """Write how a collector went."""
    sheet.gauge("pg_scrape_collector_success", "Whether a collector succeeded.", reason is None, collector=name)
    sheet.gauge("pg_scrape_collector_duration_seconds", "Duration of a collector.", took, collector=name)
    if reason is not None:
        text = "1 with the reason why a collector failed."
        sheet.gauge("pg_scrape_collector_error", text, 1, collector=name, reason=reason.value)


def merge(sheet: Sheet, part: Sheet) -> None:
    """Add a part that is kept: its families are never changed, as they will be added to later sheets too."""
    for name, family in part.families.items():
        mine = sheet.families.get(name)
        if mine is None:
            sheet.families[name] = family
        else:
            sheet.families[name] = Family(name, mine.type, mine.help, [*mine.rows, *family.rows])


def reason_of_statement(error: BaseException) -> Reason:
    """Return why a statement failed."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return Reason.PERMISSION
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return Reason.TIMEOUT
    return reason_of(error)
