"""A rule's state as JSON, for Redis."""

from typing import Any

import orjson

from services.common.events import Muted
from services.evaluator.rules.limits import History
from services.evaluator.rules.state import ActiveAlert, AlertState, RuleState

VERSION = 1


class StateError(ValueError):
    """Stored state that can't be read; the caller goes on without it."""


def encode(state: RuleState) -> bytes:
    """Return the state as JSON bytes; a value that is not finite is stored as its text."""
    return orjson.dumps({
        "version": VERSION,
        "active": {fp: _alert(alert) for fp, alert in state.active.items()},
        "history": {fp: [one.notified, one.changes] for fp, one in state.history.items()},
    })  # fmt: skip


def _alert(alert: ActiveAlert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels), "annotations": dict(alert.annotations), "metric": dict(alert.metric),
        "value": repr(alert.value), "state": alert.state, "active_at": alert.active_at, "fired_at": alert.fired_at,
        "keep_since": alert.keep_since, "resolved_at": alert.resolved_at, "sent_at": alert.sent_at,
        "muted": alert.muted, "muted_until": alert.muted_until, "flapping": alert.flapping,
    }  # fmt: skip


def decode(data: bytes) -> RuleState:
    """Return the state; raises StateError."""
    try:
        raw = orjson.loads(data)
        _check_version(raw["version"])
        return RuleState(
            {fp: _decode_alert(one) for fp, one in raw["active"].items()},
            {fp: History(tuple(one[0]), tuple(one[1])) for fp, one in raw["history"].items()},
        )
    except StateError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise StateError(f"stored state can't be read: {type(error).__name__}: {error}") from error


def _check_version(version: object) -> None:
    if version != VERSION:
        raise StateError(f"state of version {version}, known is {VERSION}")


def _decode_alert(raw: dict[str, Any]) -> ActiveAlert:
    return ActiveAlert(**{
        **raw, "value": float(raw["value"]), "state": AlertState(raw["state"]), "muted": Muted(raw["muted"])
    })  # fmt: skip
