"""What limits notifications, never the alert's state: cooldown, a cap per hour, and the name for flapping. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.common.events import Muted

HOUR = 3600.0
FLAP_WINDOW = 1800.0
"""Seconds in which changes between firing and resolved are counted."""
FLAP_CHANGES = 5
"""So many changes within the window are flapping: it fired a third time while it kept resolving."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A rule's limits; 0 means none."""

    cooldown: float = 0.0
    max_per_hour: int = 0
    flap_changes: int = FLAP_CHANGES


@dataclass(frozen=True, slots=True)
class History:
    """When an alert was let through to people, and when it changed, oldest first, seconds since the epoch."""

    notified: tuple[float, ...] = ()
    changes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an episode that fires may be told now, and if not, until when it is muted."""

    muted: Muted
    until: float | None
    history: History


def decide(history: History, now: float, limits: Limits) -> Verdict:
    """Return the verdict on an episode that fires at `now`; being let through is remembered."""
    if limits.cooldown and history.notified and now < history.notified[-1] + limits.cooldown:
        return Verdict(Muted.COOLDOWN, history.notified[-1] + limits.cooldown, history)
    recent = [at for at in history.notified if now - at < HOUR]
    if limits.max_per_hour and len(recent) >= limits.max_per_hour:
        return Verdict(Muted.RATE_CAP, recent[-limits.max_per_hour] + HOUR, history)
    return Verdict(Muted.NO, None, replace(history, notified=(*history.notified, now)))


def note_change(history: History, now: float) -> History:
    """Return the history with a change between firing and resolved at `now`."""
    return replace(history, changes=(*(at for at in history.changes if now - at <= FLAP_WINDOW), now))


def prune(histories: Mapping[str, History], now: float, *, keep: float = 24 * HOUR) -> dict[str, History]:
    """Return the histories without what no limit can ask for any more (`keep`: the longest cooldown that counts)."""

    def matters(history: History) -> bool:
        told = bool(history.notified) and now - history.notified[-1] < keep
        return told or (bool(history.changes) and now - history.changes[-1] <= FLAP_WINDOW)

    return {fp: history for fp, history in histories.items() if matters(history)}
