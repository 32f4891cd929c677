"""JSON lines: structlog, python-json-logger, loguru, pino, bunyan, ECS, OpenTelemetry, GELF, Postgres' jsonlog."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.collector.sources.logs.formats.base import joins_raw, parse_raw
from services.collector.sources.logs.formats.json_failure import failure_of
from services.collector.sources.logs.record import ERROR_LEVELS, UNKNOWN, Record, level_of, level_of_python
from services.collector.sources.logs.timestamps import parse_time

_LEVEL = ("level", "levelname", "severity", "log.level", "error_severity", "severity_text", "lvl", "loglevel")
_MESSAGE = ("message", "msg", "event", "short_message", "body", "text")
_TIME = ("timestamp", "time", "@timestamp", "ts", "asctime", "date")
_LOGGER = ("logger", "logger_name", "log.logger", "name")
_CODE = ("state_code", "error.code", "code")
_SYSLOG = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")
_MOST_FIELDS, _LONGEST_FIELD = 40, 500


class JsonLines:
    """One object a line; a line that is none may be a traceback that went past the logging."""

    key = "json"

    def begins(self, line: str) -> bool:
        """See the port."""
        return line.startswith("{")

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """See the port."""
        return not self.begins(lines[0]) and not self.begins(line) and joins_raw(lines, line)

    def ends(self, lines: Sequence[str]) -> bool:
        """See the port."""
        return self.begins(lines[0])

    def parse(self, lines: Sequence[str]) -> Record | None:
        """See the port."""
        if not self.begins(lines[0]):
            return parse_raw(lines)
        try:
            data = orjson.loads(lines[0])
        except orjson.JSONDecodeError:
            return None
        return read_object(data) if isinstance(data, dict) else None


def read_object(data: Mapping[str, Any]) -> Record:
    """Return what one object says; loguru's wraps the record."""
    data = _unwrapped(data)
    level = _level(data)
    if level not in (*ERROR_LEVELS, UNKNOWN):
        # Only counted: what it says is not looked at.
        return Record(level, "")
    failure = failure_of(data)
    if level == UNKNOWN and failure is not None:
        level = "error"
    message = _text(first(data, _MESSAGE))
    return Record(
        level,
        message or (failure.message if failure is not None else ""),
        time=parse_time(first(data, _TIME)),
        logger=_text(first(data, _LOGGER)),
        code=_text(first(data, _CODE)),
        failure=failure,
        detail="\n".join(f"{key}: {data[key]}" for key in ("detail", "context", "statement") if data.get(key)),
        fields=_fields(data),
    )


def _unwrapped(data: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = data.get("record")
    if not isinstance(inner, dict) or not isinstance(inner.get("level"), dict):
        return data
    time, extra = inner.get("time"), inner.get("extra")
    return {
        "level": inner["level"].get("name"),
        "message": inner.get("message"),
        "logger": inner.get("name"),
        "time": time.get("timestamp") if isinstance(time, dict) else None,
        "text": data.get("text"),
        "exception": inner.get("exception"),
        **(extra if isinstance(extra, dict) else {}),
    }


def first(data: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the first of the keys' values that is there; `a.b` may be written flat or nested."""
    for key in keys:
        value = data.get(key)
        if value is None and "." in key:
            outer, _, inner = key.partition(".")
            part = data.get(outer)
            value = part.get(inner) if isinstance(part, dict) else None
        if value is not None:
            return value
    return None


def _level(data: Mapping[str, Any]) -> str:
    given = first(data, _LEVEL)
    if isinstance(given, int) and "short_message" in data:
        # GELF carries syslog's numbers, where 3 is an error.
        return _SYSLOG[given] if 0 <= given < len(_SYSLOG) else UNKNOWN
    if given is None and isinstance(data.get("levelno"), int | float):
        return level_of_python(data["levelno"])
    return UNKNOWN if given is None or isinstance(given, dict | list) else level_of(given)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _fields(data: Mapping[str, Any]) -> dict[str, str]:
    known = {*_LEVEL, *_MESSAGE, *_TIME, *_LOGGER, "exception", "exc_info", "traceback", "stack", "stack_trace", "err"}
    rest = [(key, value) for key, value in data.items() if key not in known and value is not None]
    return {key[:100]: _text(value)[:_LONGEST_FIELD] for key, value in rest[:_MOST_FIELDS]}


FORMAT = JsonLines()
