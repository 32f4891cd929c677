"""Shapes of the checklist in answers and requests; times are seconds since the epoch."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from services.api.checklist.cadence import Cadence, Plan, State
from services.api.checks.model import Line
from services.api.checks.schedule import check_cron, check_timezone
from services.api.model import Answer, Body

_DAY = 86_400.0
Source: TypeAlias = Literal["manual", "check", "beat"]
Reason: TypeAlias = Literal["", "check_gone", "evaluator_away"]


class TaskBody(Body):
    """A task: done by people unless `check_id` or `beat_task` names the job that does it."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")
    description: Line = ""
    cadence: Cadence
    schedule: Annotated[str, Field(max_length=200), AfterValidator(check_cron)] | None = None
    """Five cron fields, with the cadence `cron` only."""
    timezone: Annotated[str, Field(max_length=64), AfterValidator(check_timezone)] = "UTC"
    grace_seconds: float = Field(default=_DAY, ge=60, le=30 * _DAY)
    """How long after it was due it counts as overdue and raises an alert."""
    check_id: int | None = Field(default=None, ge=1, lt=2**63)
    """The heartbeat check of the job that does it."""
    beat_task: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    """The name in Celery's beat schedule of the job that does it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.cadence == "cron") != (self.schedule is not None):
            raise ValueError("give schedule with the cadence cron, and only with it")
        if self.check_id is not None and self.beat_task is not None:
            raise ValueError("give check_id or beat_task, not both")
        return self

    @property
    def source(self) -> Source:
        """What tells that it is done."""
        if self.check_id is not None:
            return "check"
        return "manual" if self.beat_task is None else "beat"


class Task(Answer):
    """One task and how it stands now."""

    id: int
    name: str
    description: str
    cadence: Cadence
    schedule: str | None
    timezone: str
    grace_seconds: float
    source: Source
    check_id: int | None
    check_name: str | None
    beat_task: str | None
    state: State
    """waiting: done, until `opens_at`; due: may be done; overdue: past `due_at` and the grace time."""
    reason: Reason
    """check_gone: its check was deleted, so nothing will be noted; evaluator_away: beat's runs are not known now."""
    opens_at: float
    due_at: float
    last_done_at: float | None
    last_done_by: str
    """Empty: the job."""
    last_note: str
    created_by: str
    created_at: float

    def plan(self) -> Plan:
        """Return when it is to be done."""
        return Plan(self.cadence, self.schedule or "", self.timezone)


class Tasks(Answer):
    """All tasks by name, and whether the usual ones can still be added."""

    tasks: list[Task]
    usual: list[str]
    """Names of the usual tasks that are not there."""


class Tick(Answer):
    """One time that it was done."""

    id: int
    at: float
    by: str
    note: str


class TaskDetail(Task):
    """A task with the times that it was done, newest first."""

    ticks: list[Tick]


class TickBody(Body):
    """What was found or done."""

    note: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$")
