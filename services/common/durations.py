"""Prometheus durations: `5m`, `1h30m`, `500ms`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_FORM = re.compile("".join(rf"(?:(?P<{unit}>\d+){unit})?" for unit in _UNITS))


def parse_duration(text: str) -> float:
    """Return seconds; units y w d h m s ms, largest first, each at most once; a bare `0` is zero.

    Raises ValueError that shows the form.
    """
    match = _FORM.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 5m or 1h30m")
    return sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count is not None)


def format_duration(seconds: float) -> str:
    """Return the shortest Prometheus form of that many seconds, to the millisecond: 90 gives `1m30s`."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    parts = []
    for unit, size in _UNITS.items():
        if unit == "w" or (unit == "y" and left % round(size * 1000)):
            continue
        count, left = divmod(left, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _validate(value: object) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{value!r} is not a duration; write it like 30s, 5m or 1h30m")


Duration = Annotated[float, BeforeValidator(_validate), PlainSerializer(format_duration, return_type=str)]
"""A pydantic field that takes a Prometheus duration and holds seconds."""
