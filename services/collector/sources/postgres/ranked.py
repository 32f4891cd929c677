"""Lists that may be long (tables, indexes): the busiest by name, the others as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.collector.sources.postgres.collector import Session
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.others import Others


@dataclass(frozen=True)
class Ranked:
    """One list: its statements and columns."""

    key: str
    order: str
    """SQL of the ids (`id`), busiest first; $1 is how many."""
    query: str
    """SQL with a row for each id of $1 and one with id NULL for all others; further arguments come with `read`."""
    labels: tuple[str, ...]
    """The last one says `other` for the others, the rest is empty."""
    counters: tuple[str, ...]
    gauges: tuple[str, ...] = ()
    """Summed for the others."""
    times: tuple[str, ...] = ()
    """The newest one stands for the others."""

    async def read(self, session: Session, most: int, *args: object) -> list[dict[str, Any]]:
        """Return the rows to show, with all columns of the list and `datname`; at most `most` and one."""
        others: Others[int] = session.memory.others.setdefault((self.key, session.database), Others())
        best: Sequence[int] | None = None
        if others.grown_old(session.now):
            best = await self._best(session, most)
        rows = await session.fetch(self.query, others.asked(best), *args)
        if best is None and others.has_room and any(row["id"] is None for row in rows):
            # Someone new is among the others. While nobody is, a database with few tables costs one statement.
            best = await self._best(session, most)
            rows = await session.fetch(self.query, others.asked(best), *args)
        by_id = {row["id"]: row for row in rows if row["id"] is not None}
        rest = [row for row in rows if row["id"] is None]
        values = {key: [row[name] for name in self.counters] for key, row in by_id.items()}
        left = [rest[0][name] for name in self.counters] if rest else [0.0] * len(self.counters)
        shown, counted = others.take(values, left, best, most, session.now)
        unseen = [*rest, *(row for key, row in by_id.items() if key not in set(shown))]
        found = [dict(by_id[key]) for key in shown]
        for one in found:
            one["datname"] = session.database
        if unseen:
            found.append(self._together(session.database, unseen, counted))
        return found

    async def _best(self, session: Session, most: int) -> list[int]:
        return [row["id"] for row in await session.fetch(self.order, most)]

    def _together(self, database: str, rows: Sequence[Row], counted: Sequence[float]) -> dict[str, Any]:
        one: dict[str, Any] = {**dict.fromkeys(self.labels, ""), self.labels[-1]: "other", "datname": database}
        one.update(zip(self.counters, counted, strict=True))
        one.update({name: sum(row[name] for row in rows) for name in self.gauges})
        one.update({name: max(row[name] for row in rows) for name in self.times})
        return one
