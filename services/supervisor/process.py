"""What the supervisor is told about a child process."""

import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Probe = Callable[[], Coroutine[Any, Any, str]]
"""Returns "" when the child can do its job, else what is missing."""


@dataclass(frozen=True)
class Notice:
    """One line of a child's output that a person at the console should see; same `key`, same matter."""

    level: Literal["warning", "error"]
    key: str
    text: str


NoticeReader = Callable[[str], Notice | None]
"""Tells whether a line of output deserves a person's eye."""


@dataclass(frozen=True)
class ServerUser:
    """Whom a server runs as that refuses to be root."""

    uid: int
    gid: int
    pass_closed_folders: bool = False
    """A folder above is closed to others: it gets the right to read through (CAP_DAC_READ_SEARCH), nothing more."""


@dataclass(frozen=True)
class Process:
    """One child process: what to run, how to see that it is ready, and how to end it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    probe: Probe | None = None
    notices: NoticeReader | None = None
    user: ServerUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 8.0
    """Seconds from the stop signal until it is killed."""
