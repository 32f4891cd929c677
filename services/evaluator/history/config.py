"""The `evaluator.history:` settings."""

import re

from pydantic import Field, field_validator, model_validator

from services.common.config import StrictModel
from services.common.durations import Duration

_DAY = 86_400.0


class HistoryRetention(StrictModel):
    """How long each level is kept; whole partitions go, so a little more than that stays."""

    samples: Duration = Field(default=7 * _DAY, ge=_DAY)
    minute: Duration = Field(default=31 * _DAY, ge=_DAY)
    five_minutes: Duration = Field(default=92 * _DAY, ge=_DAY)
    hour: Duration = Field(default=400 * _DAY, ge=_DAY)

    @model_validator(mode="after")
    def _in_order(self) -> "HistoryRetention":
        if not self.samples <= self.minute <= self.five_minutes <= self.hour:
            raise ValueError("a coarser level must be kept at least as long as a finer one")
        return self


class HistoryConfig(StrictModel):
    """Which series go to Postgres, how often, and for how long."""

    enabled: bool = True
    metrics: list[str] = Field(default_factory=lambda: ["tocsin:.+"])
    """Regular expressions of whole metric names, of what recording rules write."""
    alert_values: bool = True
    """The value of each firing alert as `tocsin:alert_value`, a sample for each time that it is sent."""
    flush_interval: Duration = Field(default=10.0, gt=0, le=15)
    retention: HistoryRetention = HistoryRetention()
    max_series: int = Field(default=20_000, gt=0)
    """Series that are written within an hour; samples of more are dropped and counted."""
    max_backlog_bytes: int = Field(default=256 * 1024 * 1024, ge=1024)
    """On disk, while Postgres is away; the oldest samples are dropped beyond that."""

    @field_validator("metrics")
    @classmethod
    def _compiles(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns
