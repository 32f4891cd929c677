"""Shapes of alert statistics; durations in seconds, times since the epoch."""

from pydantic import Field

from services.api.model import Answer, Body


class StatisticsQuery(Body):
    """How far back is counted."""

    days: int = Field(default=30, ge=1, le=365)


class RuleFigures(Answer):
    """One rule's alerts."""

    name: str
    alerts: int
    seconds: float
    """How long they lasted, on average."""
    false_alarms: int
    """Called false or noise."""
    unacknowledged: int


class SeverityFigures(Answer):
    """Alerts of one severity."""

    severity: str
    alerts: int


class Uptime(Answer):
    """How much of the time no outage of a component fired."""

    component: str
    ratio: float
    down_seconds: float


class Statistics(Answer):
    """Figures of the alerts that began in a span of time."""

    start: float
    end: float
    alerts: int
    acknowledged: int
    resolved: int
    mtta: float | None
    """Mean time to acknowledge; null while nothing was acknowledged."""
    mtta_median: float | None
    mttr: float | None
    """Mean time to resolve."""
    mttr_median: float | None
    true_alarms: int
    false_alarms: int
    noise: int
    precision: float | None
    """True alarms among those that somebody judged; null while nobody judged any."""
    false_alarms_per_person_and_week: float | None
    """Of those judged false or noise, for each login that may act; null without one."""
    severities: list[SeverityFigures]
    noisiest: list[RuleFigures]
    """The ten rules with the most alerts."""
    uptimes: list[Uptime]
