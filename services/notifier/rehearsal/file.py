"""The form of a file of routing tests."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from services.common.config import StrictModel
from services.common.durations import Duration
from services.notifier.decisions import Reason
from services.notifier.matchers import MatcherList


def _moment(value: object) -> float:
    try:
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a moment; write it like 2026-03-02T22:30:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no zone; write it like 2026-03-02T22:30:00+01:00, in quotes")
    return moment.timestamp()


Moment = Annotated[float, BeforeValidator(_moment)]


class GivenAlert(StrictModel):
    """An alert that fires from `at` on, until `for` has passed."""

    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = Field(default_factory=dict)
    at: Duration = 0.0
    for_: Duration | None = Field(default=None, alias="for")
    depends_on: tuple[str, ...] = ()
    cooldown: Duration = 0.0

    @model_validator(mode="after")
    def _named(self) -> "GivenAlert":
        if not self.labels.get("alertname"):
            raise ValueError("an alert needs the label alertname")
        return self


class GivenSilence(StrictModel):
    """A silence."""

    matchers: MatcherList
    at: Duration = 0.0
    for_: Duration = Field(default=3600.0, alias="for", gt=0)


class GivenAction(StrictModel):
    """Somebody answers."""

    acknowledge: str = ""
    """The name of the alert; all of that name."""
    unacknowledge: str = ""
    at: Duration
    by: str = "somebody"
    expires_in: Duration | None = None

    @model_validator(mode="after")
    def _one(self) -> "GivenAction":
        if bool(self.acknowledge) == bool(self.unacknowledge):
            raise ValueError("give acknowledge or unacknowledge, with an alert's name")
        return self


class Expected(StrictModel):
    """One message; what is left out may be anything."""

    at: Duration
    receiver: str = ""
    contact: str = ""
    channel: str = ""
    to: str = ""
    alerts: tuple[str, ...] | None = None
    """Names of all alerts in it, each once."""
    status: Literal["", "firing", "resolved"] = ""
    cause: str = ""


class ExpectedDecision(StrictModel):
    """One recorded decision; what is left out may be anything."""

    at: Duration
    reason: Reason
    receiver: str = ""
    contact: str = ""
    alerts: tuple[str, ...] | None = None
    detail: str = ""
    """A part of its text."""


class RoutingTest(StrictModel):
    """One test."""

    name: str
    start: Moment
    duration: Duration = Field(default=3600.0, gt=0, le=31_536_000)
    """How long is looked at."""
    alerts: tuple[GivenAlert, ...] = Field(min_length=1)
    silences: tuple[GivenSilence, ...] = ()
    actions: tuple[GivenAction, ...] = ()
    expect: tuple[Expected, ...] | None = None
    """All messages; an empty list: nobody is told anything. Left out: not looked at."""
    expect_decisions: tuple[ExpectedDecision, ...] = ()
    """Decisions that must be among those recorded."""


class TestFile(StrictModel):
    """The whole file."""

    __test__ = False  # not a test of pytest's

    config: Path
    """The notifier's configuration in Alertmanager's form, from this file's folder."""
    time_zone: str = "UTC"
    tests: tuple[RoutingTest, ...] = Field(min_length=1)
