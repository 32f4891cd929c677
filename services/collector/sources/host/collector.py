"""What a host collector is: one name and one function that may block for a moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from services.collector.sheet import Sheet
from services.collector.sources.host.config import HostTarget
from services.collector.sources.host.groups import Groups


@dataclass
class Scene:
    """What a collector may use; `root` is where /proc and /sys are."""

    target: HostTarget
    base: Path
    groups: Groups
    now: float
    """Seconds since the epoch."""
    root: Path = field(default=Path("/"))

    def proc(self, name: str) -> str:
        """Return a file of /proc; raises OSError."""
        return (self.root / "proc" / name).read_text(encoding="utf-8")


Work: TypeAlias = Callable[[Scene, Sheet], None]


@dataclass(frozen=True)
class HostCollector:
    """One line of the registry."""

    name: str
    work: Work
    min_interval: float = 0.0
