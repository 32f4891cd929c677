"""Sizes as Prometheus writes them: `15MB`, `512KiB`."""

import re

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(B|[KMGTPE]i?B)?")


def parse_size(value: object) -> int:
    """Return bytes; Prometheus' units are powers of 1024, with or without the `i`. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write it like 10MB")
    unit = match.group(2) or "B"
    power: int = 1024 ** "BKMGTPE".index(unit[0])
    return round(float(match.group(1)) * power)
