"""Shapes of checks in answers and requests; times are seconds since the epoch."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from services.api.checks.schedule import Schedule, check_cron, check_timezone
from services.api.checks.state import Reason, State
from services.api.model import Answer, Body

_DAY = 86_400.0
PingKind: TypeAlias = Literal["success", "start", "fail", "log"]
# What Postgres can't store is not in a name; line breaks neither.
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CheckBody(Body):
    """A job that is to report: by a period or by a schedule, one of the two."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@/ +-]+$")
    description: Line = ""
    period_seconds: float | None = Field(default=None, ge=10, le=366 * _DAY)
    schedule: Annotated[str, Field(max_length=200), AfterValidator(check_cron)] | None = None
    """Five cron fields: minute hour day-of-month month day-of-week."""
    timezone: Annotated[str, Field(max_length=64), AfterValidator(check_timezone)] = "UTC"
    grace_seconds: float = Field(default=600.0, ge=1, le=30 * _DAY)
    """How long a success may be late, and how long a run may take."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.period_seconds is None) == (self.schedule is None):
            raise ValueError("give either period_seconds or schedule")
        return self

    def plan(self) -> Schedule:
        """Return when the job is due."""
        return Schedule(self.period_seconds, self.schedule or "", self.timezone)


class Check(Answer):
    """One job and how it stands now."""

    id: int
    name: str
    description: str
    period_seconds: float | None
    schedule: str | None
    timezone: str
    grace_seconds: float
    state: State
    reason: Reason
    due_at: float | None
    late_seconds: float
    last_ping_at: float | None
    last_success_at: float | None
    running_since: float | None
    last_seconds: float | None
    """How long the last run took that had both a start and an end."""
    created_by: str
    created_at: float


class NewCheck(Check):
    """A check with a new key: `ping_url` holds it and is shown this once."""

    ping_url: str


class Checks(Answer):
    """All checks by name."""

    checks: list[Check]


class Ping(Answer):
    """One report."""

    at: float
    kind: PingKind
    seconds: float | None
    log: str


class CheckDetail(Check):
    """A check with its last 100 reports, newest first."""

    pings: list[Ping]
