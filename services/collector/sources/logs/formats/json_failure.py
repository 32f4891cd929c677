"""The exception inside a JSON record, in the forms that logging libraries give it."""

from collections.abc import Mapping
from typing import Any

from services.collector.sources.logs.record import Failure, Frame
from services.collector.sources.logs.tracebacks import find_failure

_TEXTS = ("exception", "exc_info", "exc_text", "traceback", "stack_trace", "stack", "error", "err", "message", "text")
_INSIDE = ("exception", "error", "err", "exc_info")
_MOST_FRAMES = 200


def failure_of(data: Mapping[str, Any]) -> Failure | None:
    """Return the exception of a record: structured first, then any traceback in its texts."""
    for key in _INSIDE:
        value = data.get(key)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            # structlog's dict_tracebacks: the exception itself first, then its causes.
            value = value[0]
        if isinstance(value, dict):
            found = _structured(value)
            if found is not None:
                return found
    flat = _flat(data)
    if flat is not None:
        return flat
    texts = (data.get(key) for key in _TEXTS)
    return next((found for text in texts if isinstance(text, str) and (found := find_failure(text))), None)


def _structured(value: Mapping[str, Any]) -> Failure | None:
    kind = value.get("exc_type") or value.get("type") or value.get("name") or value.get("class")
    if not isinstance(kind, str) or not kind:
        return None
    message = value.get("exc_value") or value.get("message") or value.get("value") or ""
    text = next(
        (v for k in ("stack", "stack_trace", "stacktrace", "traceback") if isinstance(v := value.get(k), str)), ""
    )
    frames = _frames(value.get("frames"))
    inner = find_failure(text) if text and not frames else None
    return Failure(kind, str(message), frames or (inner.frames if inner else ()), text or _drawn(value, kind, message))


def _frames(value: Any) -> tuple[Frame, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        Frame(str(frame.get("filename", "")), str(frame.get("name") or frame.get("function") or ""))
        for frame in value[-_MOST_FRAMES:]
        if isinstance(frame, dict)
    )


def _drawn(value: Mapping[str, Any], kind: str, message: Any) -> str:
    frames = value.get("frames")
    lines = [
        f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        for frame in (frames[-_MOST_FRAMES:] if isinstance(frames, list) else ())
        if isinstance(frame, dict)
    ]
    return "\n".join(("Traceback (most recent call last):", *lines, f"{kind}: {message}")) if lines else ""


def _flat(data: Mapping[str, Any]) -> Failure | None:
    # OpenTelemetry's and ECS' names.
    for prefix in ("exception", "error"):
        kind = data.get(f"{prefix}.type")
        if isinstance(kind, str):
            text = str(data.get(f"{prefix}.stacktrace") or data.get(f"{prefix}.stack_trace") or "")
            inner = find_failure(text)
            return Failure(kind, str(data.get(f"{prefix}.message") or ""), inner.frames if inner else (), text)
    return None
