"""What a Redis collector is: a name, the commands that it adds to the scrape's one write, what it makes of replies."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Address, Command, Reply
from services.collector.sources.redis.commands import CommandStats, Stats
from services.collector.sources.redis.config import RedisTarget
from services.collector.sources.redis.refusal import check

Ask = Callable[[Sequence[Command]], Awaitable[list[Reply]]]


@dataclass(frozen=True)
class Topology:
    """The nodes that a Cluster or a Sentinel knows."""

    nodes: tuple[Address, ...]
    myself: Address | None = None
    """The answering node's own address, as the others know it."""


@dataclass
class Memory:
    """What a node keeps from scrape to scrape, also over a new connection."""

    commands: CommandStats
    container: tuple[str, float, float | None] = ("", 0.0, None)
    """The server's process, when its control group's limit was read, and that limit in bytes."""
    slowlog_id: int | None = None
    slow: list[tuple[float, float]] = field(default_factory=list)
    """(when, seconds) of the last minute's slow calls."""
    databases: int = 0
    """How many databases the server has; 0 until CONFIG has said it."""
    slow_checks: dict[int, tuple[float, Sheet]] = field(default_factory=dict)
    """By a key check's position: when it was last made, and what it found."""


@dataclass
class Scene:
    """One scrape's view of one node."""

    target: RedisTarget
    memory: Memory
    ask: Ask
    """Send further commands in one write; raises when the connection is lost."""
    monotonic: Callable[[], float]
    deadline: float
    """On the monotonic clock."""
    now: float
    """Seconds since the epoch."""
    version: tuple[int, int] = (0, 0)
    mode: str = "standalone"
    """Or cluster or sentinel."""
    host: str = ""
    """Where the node was reached; empty for a Unix socket."""
    tls: bool = False
    db: int = 0
    """The connection's own database."""
    local: bool = False
    """Whether the server runs on this machine, as far as its address says."""
    discover: bool = False
    """Whether this node is asked for the others."""
    info: dict[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    """INFO's long sections, not yet read."""
    stats: Mapping[str, Stats] = field(default_factory=dict)
    """Command statistics by command."""
    topology: Topology | None = None

    @property
    def has_keys(self) -> bool:
        """Whether keys can be read here: a Cluster's replica sends all who ask to its primary."""
        replica = self.info.get("role") == "slave"
        return self.mode != "sentinel" and not (self.mode == "cluster" and replica)

    async def select(self, db: int) -> None:
        """Choose a database; a Cluster has one and does not know the command."""
        if self.mode != "cluster":
            check(await self.ask([("SELECT", db)]))


Work: TypeAlias = Callable[[Scene, Sheet, Sequence[Reply]], Awaitable[None]]
"""Write what the replies say. None of them is an error."""


def _nothing(_scene: Scene) -> Sequence[Command]:
    return ()


def _always(_scene: Scene) -> bool:
    return True


@dataclass(frozen=True)
class RedisCollector:
    """One line of the registry; the defaults of its switch are here."""

    name: str
    work: Work
    commands: Callable[[Scene], Sequence[Command]] = _nothing
    when: Callable[[Scene], bool] = _always
    """Whether it fits this server."""
    enabled: bool = True
    min_interval: float = 0.0
