"""How Celery's events name hosts, exceptions and times; what comes from outside is kept to bounded words."""

import re
from datetime import datetime

OTHER, UNKNOWN = "other", "unknown"
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w{0,99})")


def host_of(node: str) -> str:
    """Return the host part of a node name: `w1@vm` gives `vm`, as the peer's `hostname` label."""
    return node.rpartition("@")[2]


def exception_class(text: object) -> str:
    """Return the class from an exception's repr."""
    match = _EXCEPTION.match(str(text or ""))
    return match[1] if match else UNKNOWN


def eta_seconds(value: object) -> float:
    """Return an event's `eta` (ISO 8601) in seconds since the epoch, 0 where there is none."""
    if not isinstance(value, str):
        return 0.0
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return 0.0


def bounded(name: str, known: set[str], most: int) -> str:
    """Return the name, or `other` when `most` names are known and this is none of them."""
    if name in known:
        return name
    if len(known) >= most:
        return OTHER
    known.add(name)
    return name
