"""Shapes of the questions about the past and their answers; times are seconds since the epoch."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from services.api.model import Answer, Body
from services.api.overview.model import Threshold, Unit
from services.common.durations import parse_duration

MOST_METRICS = 8
_DAY = 86_400.0
_LONGEST = 400 * _DAY
_SHORTEST = 60.0
_FURTHEST = 32_503_680_000.0
_MARKER = Literal["alert", "deployment"]
Point: TypeAlias = tuple[float, float, float, float]
"""Where the step begins, mean, lowest, highest value in it."""


def _check_period(text: str) -> str:
    if not _SHORTEST <= parse_duration(text) <= _LONGEST:
        raise ValueError("a period is at least 1m and at most 400d")
    return text


def _read_labels(text: object) -> object:
    if not isinstance(text, str):
        return text
    pairs = [part.partition("=") for part in text.split(",") if part]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise ValueError(f"{wrong[0]!r} is no label; write queue=celery,instance=a")
    return {name: value for name, _, value in pairs}


def _read_metrics(text: object) -> object:
    return [part for part in text.split(",") if part] if isinstance(text, str) else text


Time = Annotated[float, Field(ge=0, le=_FURTHEST, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class WindowQuery(Body):
    """A period that ends now, or a part of time by its ends."""

    period: Annotated[str, AfterValidator(_check_period)] = Field(default="1h", max_length=20, examples=["24h"])
    from_: Time | None = Field(default=None, alias="from")
    to: Time | None = None

    def ends(self, now: float) -> tuple[float, float]:
        """Return the first and the last moment that are asked for."""
        end = now if self.to is None else self.to
        return (end - parse_duration(self.period) if self.from_ is None else self.from_), end

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.from_ is not None and self.to is not None and not _SHORTEST <= self.to - self.from_ <= _LONGEST:
            raise ValueError("`to` must be at least 60 s and at most 400 days after `from`")
        return self


class HistoryOf(WindowQuery):
    """One metric's past."""

    metric: Name
    """A panel's key, or the name of a recorded series."""
    labels: Annotated[Any, BeforeValidator(_read_labels)] = Field(
        default="", json_schema_extra={"type": "string"}, examples=["queue=celery"]
    )
    """Only series with these labels, as `name=value,name=value`."""


class TrendsOf(WindowQuery):
    """Several metrics side by side."""

    metrics: Annotated[Any, BeforeValidator(_read_metrics), Field(min_length=1, max_length=MOST_METRICS)] = Field(
        json_schema_extra={"type": "string"}, examples=["api_response_time,celery_queue"]
    )
    """Keys of panels or recorded names, joined by commas; at most 8."""
    compare: Literal["none", "week"] = "none"
    format: Literal["json", "csv"] = "json"


class MetricInfo(Answer):
    """What a metric is; `key` is its panel's, or its own name when it has no panel."""

    metric: str
    key: str
    title: str
    unit: Unit
    component: str


class RecordedMetric(MetricInfo):
    """A metric that can be asked for, and when it last had a value (to within an hour; null: never yet)."""

    last_at: float | None
    series: int


class MetricList(Answer):
    """The panels' metrics first, then what else is recorded."""

    metrics: list[RecordedMetric]


class HistorySeries(Answer):
    """One label set's past."""

    labels: dict[str, str]
    points: list[Point]


class MetricHistory(MetricInfo):
    """The past of one metric, a point for each `step` seconds that has values."""

    start: float
    end: float
    step: int
    level: str
    """Of which record it was read: samples, minute, five_minutes or hour."""
    series: list[HistorySeries]
    truncated: bool
    """There are more series than are shown."""


class SeriesStats(Answer):
    """Figures over the whole time; percentiles are those of the means of `stats_step` seconds."""

    avg: float
    min: float
    max: float
    last: float
    p50: float
    p95: float
    p99: float
    count: int


class TrendSeries(HistorySeries):
    """One label set's past, its figures, and what it was a week before at the same place."""

    stats: SeriesStats | None
    compared: list[Point]
    change: float | None
    """Of the mean against that of the week before, relative: 0.5 is half as much again."""


class TrendMetric(MetricInfo):
    """One metric's part of the answer."""

    thresholds: list[Threshold]
    series: list[TrendSeries]
    truncated: bool


class Marker(Answer):
    """Something that happened: an alert that fired, or a deployment."""

    at: float
    end: float | None
    kind: _MARKER
    text: str
    component: str
    severity: str
    link: str


class Trends(Answer):
    """Several metrics over the same time."""

    start: float
    end: float
    step: int
    level: str
    stats_step: int
    compared_seconds: float
    """How much earlier `compared` was; 0 without it."""
    metrics: list[TrendMetric]
    markers: list[Marker]


class DeploymentBody(Body):
    """Something was put into service."""

    component: str = Field(min_length=1, max_length=64, examples=["fastapi"])
    version: str = Field(min_length=1, max_length=200, examples=["2.4.1"])
    at: Time | None = None
    """Default: now."""
    link: str = Field(default="", max_length=1000, pattern=r"^(https?://.*)?$")


class Deployment(Answer):
    """A deployment as it is kept."""

    id: int
    at: float
    component: str
    version: str
    link: str
    by: str


class Deployments(Answer):
    """The newest deployments, at most 200."""

    deployments: list[Deployment]
