"""What a Postgres collector is: one name, one or two statements, one function from rows to samples."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from services.collector.sheet import Sheet
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.estimate import QueryTimes


class Fetch(Protocol):
    """Run one statement within the scrape's time; raises the driver's errors."""

    async def __call__(self, statement: str, *args: object) -> list[Row]:
        """Return the rows."""
        ...


MARK = "/* tocsin-collector */"
"""Ends each of our statements: in the server's log and statistics they are known by it (a comment before a statement
does not get into pg_stat_statements)."""


@dataclass
class Memory:
    """What a target keeps from scrape to scrape, also over a new connection."""

    scrapes: int = 0
    query_times: QueryTimes = field(default_factory=QueryTimes)
    own_statements: set[int] = field(default_factory=set)


@dataclass
class Session:
    """One scrape's view of the connected server."""

    fetch: Fetch
    version: int
    """`server_version_num`, such as 180006."""
    memory: Memory
    disk_path: str | None = None
    disk_size: float | None = None
    top_tables: int = 50
    facts: dict[str, float] = field(default_factory=dict)
    """What one collector found and a later one needs."""


Work = Callable[[Session, Sheet], Awaitable[None]]


@dataclass(frozen=True)
class PostgresCollector:
    """One line of the collectors' registry; `needs` is the lowest `server_version_num`."""

    name: str
    work: Work
    needs: int = 0
