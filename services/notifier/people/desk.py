"""What a person gets now and what waits: quiet hours, rate limit and storm as one small state machine. Pure.

Each addressee has a desk. A message that may not go now leaves its alerts there, each with its newest state; when the
time has come all of them leave in one digest. Nothing is dropped: what has resolved meanwhile is told as resolved.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from services.common.durations import format_duration
from services.common.events import AlertEvent
from services.notifier.decisions import Decision, Reason
from services.notifier.people.contacts import RateLimit, Storm, severity_of
from services.notifier.people.quiet_hours import QuietHours, quiet_until
from services.notifier.people.wall_clock import told

_HOUR, _MINUTE = 3600.0, 60.0
_CRITICAL = "critical"


class Rules(NamedTuple):
    """What holds for an addressee; `who` is their name for people."""

    who: str
    quiet_hours: tuple[QuietHours, ...] = ()
    rate_limit: RateLimit | None = None
    storm: Storm | None = None


class Desk(BaseModel):
    """An addressee's state."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    desk_id: str
    release_at: float | None = None
    """When what is held is looked at."""
    sent: tuple[float, ...] = ()
    """When messages left, within the last hour."""
    fresh: tuple[tuple[float, int], ...] = ()
    """When how many new alerts came, within the last minute."""
    number: int = 0
    """Digests so far."""


class Held(BaseModel):
    """An alert that waits at a desk."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    desk_id: str
    event: AlertEvent
    reason: Reason
    since: float
    until: float
    """When it leaves at the latest."""
    thread: str = ""

    @property
    def held_id(self) -> str:
        """One alert waits once at a desk."""
        return held_id(self.desk_id, self.event.alert_id)


def held_id(desk_id: str, alert_id: str) -> str:
    """Return the id of an alert's place at a desk."""
    return f"{desk_id}|{alert_id}"


class Verdict(NamedTuple):
    """The desk after a message was looked at; no decision: it goes now, else it waits until then."""

    desk: Desk
    decision: Decision | None = None
    until: float = 0.0


def judge(desk: Desk, rules: Rules, severity: str, new: int, now: float) -> Verdict:
    """Look at a message of that severity with so many alerts that the addressee has not heard of."""
    desk = _recent(desk, now)
    before = sum(count for _, count in desk.fresh)
    if new:
        desk = desk.model_copy(update={"fresh": (*desk.fresh, (now, new))})
    hold = _quiet(rules, severity, now) or _storm(rules, before, now) or _rate(desk, rules, severity, now)
    if hold is None:
        return Verdict(desk.model_copy(update={"sent": (*desk.sent, now)} if rules.rate_limit else {}))
    decision, until = hold
    release = until if desk.release_at is None else min(desk.release_at, until)
    return Verdict(desk.model_copy(update={"release_at": release}), decision, until)


def _recent(desk: Desk, now: float) -> Desk:
    # A time that lies ahead is of a clock that was set back since.
    sent = tuple(at for at in desk.sent if now - _HOUR < at <= now)
    fresh = tuple(one for one in desk.fresh if now - _MINUTE < one[0] <= now)
    return desk.model_copy(update={"sent": sent, "fresh": fresh})


def _quiet(rules: Rules, severity: str, now: float) -> tuple[Decision, float] | None:
    found = quiet_until(rules.quiet_hours, now, critical=severity == _CRITICAL)
    if found is None:
        return None
    until, zone = found
    return Decision(Reason.QUIET_HOURS, f"held: quiet hours of {rules.who} until {told(until, zone)}"), until


def _storm(rules: Rules, before: int, now: float) -> tuple[Decision, float] | None:
    storm = rules.storm
    # A single message with many alerts is no storm: what came before it counts.
    if storm is None or before < storm.new_alerts_per_minute:
        return None
    detail = f"bundled: more than {storm.new_alerts_per_minute} new alerts a minute for {rules.who}"
    return Decision(Reason.STORM, detail), now + storm.digest_every


def _rate(desk: Desk, rules: Rules, severity: str, now: float) -> tuple[Decision, float] | None:
    limit = rules.rate_limit
    if limit is None or len(desk.sent) < limit.per_hour:
        return None
    until = desk.sent[-limit.per_hour] + _HOUR
    if severity == _CRITICAL:
        until = min(until, now + limit.critical_within)
    wait = format_duration(max(1, round(until - now)))
    detail = f"bundled: {rules.who} takes {limit.per_hour} messages an hour; the next in {wait}"
    return Decision(Reason.RATE_LIMIT, detail), until


class Release(NamedTuple):
    """The desk after it was looked at, what leaves it in one digest, and what stays."""

    desk: Desk
    leaves: tuple[Held, ...]
    stays: tuple[Held, ...]


def release(desk: Desk, rules: Rules, held: Sequence[Held], now: float) -> Release:
    """Look at what is held: what quiet hours still hold stays, all else leaves together once one of it is due."""
    desk = _recent(desk, now)
    stays: list[Held] = []
    free: list[Held] = []
    for one in held:
        quiet = _quiet(rules, severity_of(one.event), now)
        if quiet is not None:
            stays.append(one.model_copy(update={"until": quiet[1], "reason": Reason.QUIET_HOURS}))
        elif one.reason is Reason.QUIET_HOURS and now < one.until:
            # Its quiet hours are over before their time: they were changed.
            free.append(one.model_copy(update={"until": now}))
        else:
            free.append(one)
    leaves = tuple(free) if any(one.until <= now for one in free) else ()
    if not leaves:
        stays += free
    update: dict[str, object] = {"release_at": min((one.until for one in stays), default=None)}
    if leaves:
        update |= {"number": desk.number + 1, "sent": (*desk.sent, now) if rules.rate_limit else ()}
    return Release(desk.model_copy(update=update), leaves, tuple(stays))


def is_idle(desk: Desk, now: float) -> bool:
    """Tell whether nothing of the desk matters any more."""
    known = _recent(desk, now)
    return known.release_at is None and not known.sent and not known.fresh
