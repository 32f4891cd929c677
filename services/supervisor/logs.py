"""Children's output: kept in files with rotation by size; what matters is told to the console."""

import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson

from services.supervisor.process import Notice

MAX_BYTES = 10 * 1024**2
BACKUPS = 3
_TEXT_LIMIT = 300


class LogFile(RotatingFileHandler):
    """`<name>.log`, at most `MAX_BYTES` long, with `BACKUPS` older ones beside it."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, backups: int = BACKUPS) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", errors="replace", delay=True)
        self.lost = 0

    def write(self, line: str) -> None:
        """Append one line; a line that the disk does not take is counted in `lost`."""
        self.emit(logging.LogRecord("child", logging.INFO, "", 0, line, None, None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the base class' form
        """Count instead of printing a traceback for each line while the disk is full."""
        self.lost += 1


def service_notice(line: str) -> Notice | None:
    """Read one line of a service's JSON log: warnings and errors are for the console."""
    if not line.startswith("{"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    level = entry.get("level")
    if level not in {"warning", "error", "critical"}:
        return None
    event = str(entry.get("event", ""))
    hidden = {"level", "event", "timestamp", "service", "logger", "exception"}
    details = " ".join(f"{key}={value}" for key, value in entry.items() if key not in hidden)
    text = f"{event} {details}".strip()[:_TEXT_LIMIT]
    return Notice("warning" if level == "warning" else "error", f"{event} {entry.get('reason', '')}", text)


_DISK_FULL = re.compile(r"no space left on device|could not (extend|write)|disk full", re.IGNORECASE)
_POSTGRES = re.compile(r"\b(?P<level>PANIC|FATAL):\s+(?P<text>.*)")
# What comes and goes with every start and end.
_POSTGRES_CHATTER = re.compile(r"the database system is |not yet accepting connections|terminating connection due to")
_REDIS_CHATTER = re.compile(r"overcommit|transparent huge pages|TCP backlog", re.IGNORECASE)
_REDIS_TROUBLE = re.compile(r"error|misconf|fail|can't|bad file|corrupt|out of memory", re.IGNORECASE)
_REDIS_LINE = re.compile(r"^\d+:\w .*? (?P<level>[.*#-]) (?P<text>.*)$")


def disk_notice(line: str) -> Notice | None:
    """See that a server could not write."""
    if _DISK_FULL.search(line) is None:
        return None
    return Notice("error", "disk", f"can't write its data: {line.strip()[-_TEXT_LIMIT:]}; free disk space")


def postgres_notice(line: str) -> Notice | None:
    """Read one line of PostgreSQL's log; a statement's ERROR is its client's matter, not the console's."""
    if (full := disk_notice(line)) is not None:
        return full
    match = _POSTGRES.search(line)
    if match is None or _POSTGRES_CHATTER.search(match["text"]):
        return None
    return Notice("error", match["text"][:40], f"{match['level']}: {match['text']}"[:_TEXT_LIMIT])


def redis_notice(line: str) -> Notice | None:
    """Read one line of Redis' log; level # holds start-up chatter too, so only what tells of trouble counts."""
    if (full := disk_notice(line)) is not None:
        return full
    match = _REDIS_LINE.match(line)
    if match is None or match["level"] != "#" or _REDIS_CHATTER.search(match["text"]):
        return None
    if _REDIS_TROUBLE.search(match["text"]) is None:
        return None
    return Notice("warning", match["text"][:40], match["text"][:_TEXT_LIMIT])
