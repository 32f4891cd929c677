"""Shapes of silences in answers and requests; times are seconds since the epoch."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from services.api.model import Answer, Body
from services.api.silences.matching import Matcher, Text, check_regex

DAY = 86_400.0
State: TypeAlias = Literal["pending", "active", "expired"]


def _usable(matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    for matcher in matchers:
        if matcher.op in {"=~", "!~"} and (problem := check_regex(matcher.value)):
            raise ValueError(f"{matcher.name}{matcher.op}{matcher.value!r} is no regular expression: {problem}")
    return matchers


Matchers = Annotated[tuple[Matcher, ...], Field(min_length=1, max_length=64), AfterValidator(_usable)]


class SilenceBody(Body):
    """What is to be silenced, from when and for how long."""

    matchers: Matchers
    starts_at: float | None = Field(default=None, gt=0, lt=1e11)
    """Null: now."""
    duration_seconds: float = Field(default=3600.0, ge=1, le=366 * DAY)
    comment: Text = ""
    confirm_broad: bool = False
    """Make it although the preview warns that it is broad."""


class PreviewBody(Body):
    """The silence that somebody thinks of."""

    matchers: Matchers
    duration_seconds: float = Field(default=3600.0, ge=1, le=366 * DAY)


class HiddenAlert(Answer):
    """One alert that a silence hides."""

    id: str
    name: str
    severity: str
    summary: str


class SilenceWarning(Answer):
    """Why somebody should think twice; `broad` ones must be confirmed."""

    kind: Literal["nothing", "many", "no_exact_label", "critical", "long"]
    text: str
    broad: bool


class Preview(Answer):
    """What a silence would hide."""

    count: int
    """How many alerts that fire now."""
    alerts: list[HiddenAlert]
    """The first 50 of them."""
    last_day: int | None
    """How many alerts that began within 24 hours; null while Postgres is away."""
    warnings: list[SilenceWarning]


class Silence(Answer):
    """One silence as the notifier has it."""

    id: str
    state: State
    matchers: list[Matcher]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str
    updated_at: float
    hides: list[str]
    """Ids of the alerts that fire now and that it covers, whatever its state."""
    confirmed: bool
    """False: the notifier has not answered yet; it takes the silence from the stream when it is back."""


class Silences(Answer):
    """All silences that the notifier keeps: those in force first."""

    silences: list[Silence]
