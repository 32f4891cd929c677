"""How a check stands at a time; pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.api.checks.schedule import Schedule

State: TypeAlias = Literal["new", "up", "late", "down", "started"]
Reason: TypeAlias = Literal["", "failed", "overran", "missed"]


@dataclass(frozen=True, slots=True)
class Reports:
    """What has been reported; times are seconds since the epoch."""

    success_at: float | None = None
    running_since: float | None = None
    """The first start that no end has followed."""
    failed: bool = False
    """Whether the last end was a failure."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, why it is down, when the next success is due, and for how many seconds it has been."""

    state: State
    reason: Reason
    due_at: float | None
    late_seconds: float


def judge(schedule: Schedule, grace: float, reports: Reports, now: float) -> Standing:
    """Return how the check stands.

    `grace` is the time that a success may come after it is due, and that a run may take from its start to its end.
    Down ends with a success only, so a job that dies and starts again does not look well meanwhile.
    """
    due = None if reports.success_at is None else schedule.next_after(reports.success_at)
    state, reason = _state(due, grace, reports, now)
    return Standing(state, reason, due, 0.0 if due is None else max(0.0, now - due))


def _state(due: float | None, grace: float, reports: Reports, now: float) -> tuple[State, Reason]:
    if reports.failed:
        return "down", "failed"
    since = reports.running_since
    if since is not None and now > since + grace:
        return "down", "overran"
    # A run that began in time has its own grace to end.
    asked = now if since is None else since
    if due is not None and asked > due + grace:
        return "down", "missed"
    if since is not None:
        return "started", ""
    if due is None:
        return "new", ""
    return ("late", "") if now > due else ("up", "")
