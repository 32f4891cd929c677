"""One log record in the form that all formats are read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ERROR_LEVELS = ("error", "critical")
UNKNOWN = "unknown"

_LEVELS = {
    "trace": "debug", "debug": "debug", "debug1": "debug", "debug2": "debug", "debug3": "debug", "debug4": "debug",
    "debug5": "debug", "verbose": "debug", "info": "info", "information": "info", "informational": "info",
    "notice": "info", "log": "info", "success": "info", "warn": "warning", "warning": "warning", "error": "error",
    "err": "error", "exception": "error", "severe": "error", "fatal": "critical", "critical": "critical",
    "crit": "critical", "panic": "critical", "alert": "critical", "emerg": "critical", "emergency": "critical",
}  # fmt: skip
_NUMBERS = ((60, "critical"), (50, "error"), (40, "warning"), (30, "info"), (0, "debug"))
_PYTHON_NUMBERS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (0, "debug"))

LEVELS = ("debug", "info", "warning", "error", "critical", UNKNOWN)


@dataclass(frozen=True)
class Frame:
    """One call: its file and its function, without the line number, which each release moves."""

    file: str
    function: str


@dataclass(frozen=True)
class Failure:
    """The exception of a record; frames run from the outermost call to the innermost."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    text: str = ""
    """The traceback as written."""


@dataclass(frozen=True)
class Record:
    """What one entry of a log says."""

    level: str
    """One of LEVELS."""
    message: str
    time: float | None = None
    """Seconds since the epoch, None where the entry has no time that can be read."""
    logger: str = ""
    code: str = ""
    """An error code that names the kind of the error, such as SQLSTATE."""
    failure: Failure | None = None
    detail: str = ""
    """What the entry says beside its message: Postgres' DETAIL, CONTEXT and STATEMENT."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What a structured entry holds beside the above."""


def level_of(word: object) -> str:
    """Return the level behind a word (any case, also syslog's and Postgres') or pino's number; UNKNOWN for others."""
    if isinstance(word, bool):
        return UNKNOWN
    if isinstance(word, int | float):
        return next((level for least, level in _NUMBERS if word >= least), UNKNOWN)
    text = str(word).strip().lower()
    if text.isdigit():
        return level_of(int(text))
    return _LEVELS.get(text, UNKNOWN)


def level_of_python(number: float) -> str:
    """Return the level behind a number of Python's logging, where ERROR is 40."""
    return next((level for least, level in _PYTHON_NUMBERS if number >= least), UNKNOWN)
