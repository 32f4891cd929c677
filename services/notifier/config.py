"""The notifier's section of tocsin.yml."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from services.common.config import Listen, StrictModel
from services.common.durations import Duration


class NotifierConfig(StrictModel):
    """Where it listens, where routes and receivers stand, and how long it tries."""

    listen: Listen = "127.0.0.1:9702"
    config_file: Path = Path("alertmanager.yml")
    """Routes, receivers and templates in Alertmanager's form."""
    config: dict[str, Any] | None = None
    """The same, written here instead of in a file of its own."""
    open_metrics: bool = False
    """Serve /metrics without the service token also where others can reach it."""
    instance: str = ""
    """This copy's name, the same after a restart; default: host name and address."""
    time_zone: str = "UTC"
    """For the times in messages, like Europe/Berlin."""
    retry_for: Duration = Field(default=14_400.0, gt=0)
    """How long a message is tried before it is given up."""
    retry_first: Duration = Field(default=1.0, gt=0)
    retry_longest: Duration = Field(default=120.0, gt=0)
    """The wait after the first failure, doubling up to the longest."""
    retention: Duration = Field(default=3_600.0, ge=1200)
    """How long a resolved episode is remembered; more than the 15 minutes that the evaluator repeats it."""
    silence_retention: Duration = Field(default=432_000.0, ge=0)
    """How long a silence that is over can still be seen."""
    max_silences: int = Field(default=10_000, ge=1)
    """So many silences are kept; more are refused."""
    receiver_broken_after: Duration = Field(default=300.0, gt=0)
    """A receiver that takes nothing for so long raises TocsinReceiverBroken, which goes to another."""
    watch_files: bool = True
    """Take a changed configuration or template into force within moments; else on SIGHUP and POST /-/reload."""
    record_posted: bool = True
    """Put alerts that other programs post on the stream, so that the API's history and page have them too."""
    lease: Duration = Field(default=10.0, ge=1)
    """After so long without a sign of life another copy takes over."""
    watch_evaluator: bool = True
    """Raise TocsinEvaluatorDown when no evaluator shows that it lives."""
    evaluator_grace: Duration = 30.0
    """How long after the own start a missing evaluator is no alarm yet."""
    max_queued_attempts: int = Field(default=50_000, ge=100)
    """Records of attempts kept while Postgres is away; over that the oldest go, and are counted."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone; write it like Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _one_source(self) -> "NotifierConfig":
        if self.config is not None and "config_file" in self.model_fields_set:
            raise ValueError("give either config or config_file")
        return self
