"""What survives a restart: positions and counts in one file, so that they never disagree."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from services.collector.sources.logs.groups import Group
from services.collector.sources.logs.position import Position

log = structlog.get_logger(__name__)
VERSION = 1


@dataclass
class Counts:
    """What has been counted of one service since its logs were first watched."""

    levels: dict[str, int] = field(default_factory=dict)
    unparsed: int = 0
    cut: int = 0
    bytes_read: int = 0
    bytes_skipped: int = 0
    rotations: dict[str, int] = field(default_factory=dict)
    last_record: float | None = None


@dataclass
class Saved:
    """The content of the state file."""

    at: float
    paths: list[str]
    """The patterns as they were configured: what only new ones name was not followed before."""
    positions: list[Position]
    counts: Counts
    groups: list[Group]
    other: dict[str, int]
    version: int = VERSION


_ADAPTER = TypeAdapter(Saved)


class StateFile:
    """One target's state, held by one collector at a time through a lock that ends with its process."""

    def __init__(self, folder: Path, name: str, *, sync: Callable[[int], None] = os.fsync) -> None:
        self.path, self._lock_path = folder / f"{name}.json", folder / f"{name}.lock"
        self._sync = sync
        self._lock: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False while another collector has it. Raises OSError when the folder can't be used."""
        if self._lock is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def release(self) -> None:
        """Let another collector have the state."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self) -> Saved | None:
        """Return what was written last, None at the very first start.

        A file that can't be understood is moved aside under `.broken` and counts as none.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            saved = _ADAPTER.validate_json(data)
        except ValidationError as error:
            reason = f"{error.error_count()} mistakes"
        else:
            if saved.version == VERSION:
                return saved
            reason = f"version {saved.version}"
        aside = self.path.with_suffix(".broken")
        self.path.replace(aside)
        log.warning("log_state_broken", path=str(self.path), moved_to=str(aside), reason=reason)
        return None

    def write(self, saved: Saved) -> None:
        """Replace the file in one step; raises OSError, and then the former content stays."""
        fresh = self.path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            data = memoryview(orjson.dumps(saved, option=orjson.OPT_NON_STR_KEYS))
            while data:
                data = data[os.write(descriptor, data) :]
            self._sync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self.path)
