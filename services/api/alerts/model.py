"""Shapes of alerts in answers; times are seconds since the epoch."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from services.api.model import Answer, Body, Severity
from services.api.overview.model import Threshold

Status: TypeAlias = Literal["firing", "resolved"]
TimelineKind: TypeAlias = Literal[
    "active", "firing", "acknowledged", "unacknowledged", "notification", "resolved", "comment", "verdict"
]
VerdictKind: TypeAlias = Literal["true_alarm", "false_alarm", "noise"]
Comment: TypeAlias = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class Acknowledgement(Answer):
    """Who took the alert on."""

    by: str
    at: float
    comment: str
    until: float | None = None
    """When it runs out, with a reminder; null: when the alert is over."""


class AlertRule(Answer):
    """The rule that the alert comes from."""

    name: str
    group: str
    file: str
    expr: str
    for_seconds: float
    cooldown_seconds: float
    max_alerts_per_hour: int


class Alert(Answer):
    """One episode of an alert: a label set from its first firing to its resolve."""

    id: str
    fingerprint: str
    name: str
    status: Status
    severity: str
    """critical, warning or info; other text where a rule says so, empty where it says nothing."""
    category: str
    component: str
    summary: str
    description: str
    action: str
    action_link: str
    value: float | None
    labels: dict[str, str]
    annotations: dict[str, str]
    active_at: float
    starts_at: float
    ends_at: float | None
    """When it resolved; null while it fires."""
    acknowledged: Acknowledgement | None
    muted: str
    """Why nobody is notified of it now: empty, cooldown or rate_cap."""
    muted_until: float | None
    flapping: bool
    rule: AlertRule
    notifications: int
    """How many messages about it were delivered."""


class ActiveAlerts(Answer):
    """What fires now: worst severity first, then the oldest."""

    alerts: list[Alert]


class RecordedAlert(Alert):
    """An alert with what became of it."""

    attempts: int
    """How often a provider was asked to deliver a message about it, failures included."""
    comments: int
    verdict: VerdictKind | None
    """Whether it was useful; null while nobody said."""
    auto_resolved: bool
    """It ended without anybody having taken it on."""


class AlertHistory(Answer):
    """One page of the record, newest first."""

    alerts: list[RecordedAlert]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null at the end."""


class TimelineEntry(Answer):
    """One thing that happened in an alert's life."""

    at: float
    kind: TimelineKind
    by: str = ""
    text: str = ""
    channel: str = ""
    recipient: str = ""
    result: str = ""
    reason: str = ""


class Verdict(Answer):
    """Whether an alert was useful, by whom, when."""

    verdict: VerdictKind
    by: str
    at: float


class AlertDetail(Alert):
    """An alert with its story."""

    timeline: list[TimelineEntry]
    verdict: Verdict | None
    complete: bool
    """False while Postgres is away: the notifications, and what is older than an hour, are missing then."""


class HistoryQuery(Body):
    """Which part of the record is asked for."""

    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=200)
    severity: Severity | None = None
    category: str | None = Field(default=None, max_length=100)
    component: str | None = Field(default=None, max_length=100)
    status: Status | None = None
    name: str | None = Field(default=None, max_length=200)
    """The rule's name, whole."""
    fingerprint: str | None = Field(default=None, pattern=r"^[0-9a-f]{16}$")
    """Earlier episodes of the same labels."""
    text: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")] = None
    """Part of name, summary, description or a label's value; upper and lower case are the same."""
    since: float | None = Field(default=None, ge=0, lt=1e11)
    """Began at this time or later."""
    until: float | None = Field(default=None, ge=0, lt=1e11)
    """Began before this time."""


class UnacknowledgeBody(Body):
    """What the person says on giving the alert back."""

    comment: Comment = ""


class AcknowledgeBody(Body):
    """What the person says on taking the alert on, and for how long they do."""

    comment: Comment = ""
    expires_in: float | None = Field(default=None, ge=60, le=30 * 86_400, allow_inf_nan=False)
    """Seconds; then whoever was told is reminded and the escalation begins anew. Null: until the alert is over."""


class AcknowledgeManyBody(AcknowledgeBody):
    """Which alerts are taken on together."""

    ids: tuple[Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")], ...] = Field(min_length=1, max_length=500)


class Refused(Answer):
    """One alert that could not be taken on."""

    id: str
    reason: str
    detail: str


class Acknowledged(Answer):
    """The alerts as they stand now, and those that could not be taken on."""

    alerts: list[Alert]
    refused: list[Refused]


class CommentBody(Body):
    """What somebody has to say."""

    text: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")


class VerdictBody(Body):
    """Whether the alert was useful."""

    verdict: VerdictKind


class ChartSeries(Answer):
    """One series of a chart; points are time and value."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class AlertChart(Answer):
    """What an alert's rule compares, and the limits."""

    expr: str
    start: float
    end: float
    step: int
    thresholds: list[Threshold]
    series: list[ChartSeries]
    """Empty when no values are kept for that time."""
