"""What a Postgres collector is: one name, one or two statements, one function from rows to samples."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.collector.sheet import Sheet
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.estimate import QueryTimes
from services.collector.sources.postgres.others import Others
from services.collector.sources.postgres.target import PostgresTarget


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
    new_statements: bool = False
    """Whether a tour may have run statements of ours for the first time."""
    texts: dict[int, str] = field(default_factory=dict)
    """Query texts by queryid, of the statements that are shown."""
    shown_statements: list[str] = field(default_factory=list)
    others: dict[tuple[str, str], Others[Any]] = field(default_factory=dict)
    """By collector and database: which ones are shown, and what the rest has counted."""
    statements_schema: str | None = None
    """Where pg_stat_statements is, None where the connected database lacks it."""
    statements_elsewhere: tuple[str, str] | None = None
    """Database and schema of the extension, where the tour has found it in another one."""
    facts: dict[str, float] = field(default_factory=dict)
    """What one collector found and another needs."""

    def none_of(self, fact: str) -> bool:
        """Tell whether the server said at this scrape that there are none: then nobody needs to ask."""
        return self.facts.get(fact) == 0.0


@dataclass
class Session:
    """One scrape's view of the connected server."""

    fetch: Fetch
    version: int
    """`server_version_num`, such as 180006."""
    memory: Memory
    target: PostgresTarget
    database: str = ""
    """The one that is connected to."""
    now: float = 0.0
    """Monotonic seconds at the begin of the scrape."""
    disk_path: str | None = None
    open_other: "Callable[[str], Awaitable[Fetch]] | None" = None
    """Returns how statements are run in another database, over a connection that is kept as well."""
    main: bool = True
    """Whether it is the target's own database, and not one that the tour visits."""
    shared_by: int = 1
    """Databases that share one list's length, so that the page does not grow with each database."""

    def share(self, most: int) -> int:
        """Return how many of a list the connected database may show."""
        return most if self.shared_by <= 1 or most == 0 else max(2, -(-most // self.shared_by))


Work = Callable[[Session, Sheet], Awaitable[None]]


@dataclass(frozen=True)
class PostgresCollector:
    """One line of the collectors' registry; `needs` is the lowest `server_version_num`."""

    name: str
    work: Work
    needs: int = 0
    enabled: bool = True
    """Unless the configuration says otherwise."""
    interval: float = 0.0
    """Seconds for which a result is given again, unless the configuration says otherwise."""
    ahead: Callable[[int], str] | None = None
    """Returns, for a `server_version_num`, the statement without arguments that it asks first: those of all collectors
    are asked together."""
