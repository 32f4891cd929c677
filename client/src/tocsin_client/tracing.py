"""Which trace a request belongs to, for exemplars."""

import re
from collections.abc import Callable

TraceId = Callable[[], str | None]
"""Returns the present trace's id, None outside one; for example a contextvar's `get`."""

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_LONGEST = 64
_NONE = b"0" * 32


def from_traceparent(value: bytes) -> str | None:
    """Return the trace id of a W3C `traceparent` header, None where it is not one."""
    match = _TRACEPARENT.match(value)
    return match[1].decode() if match and match[1] != _NONE else None


def exemplar_of(trace_id: str | None) -> dict[str, str] | None:
    """Return an exemplar's labels; OpenMetrics allows them 128 characters in all."""
    return {"trace_id": trace_id} if trace_id and len(trace_id) <= _LONGEST else None
