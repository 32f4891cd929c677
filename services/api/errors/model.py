"""Shapes of errors in answers; times are seconds since the epoch."""

from typing import TypeAlias

from pydantic import ConfigDict, Field

from services.api.model import Answer, Body

HourCount: TypeAlias = tuple[int, int]
"""Start of an hour, occurrences in it."""


class ErrorsQuery(Body):
    """Which errors to show."""

    text: str = Field(default="", max_length=200)
    """Is in the type, the message, the service, the fingerprint or the example, in whatever case."""
    service: str = Field(default="", max_length=200)
    level: str = Field(default="", max_length=32)
    limit: int = Field(default=50, ge=1, le=500)


class _Read(Answer):
    # A newer collector may tell more.
    model_config = ConfigDict(extra="ignore")


class ErrorExample(_Read):
    """The last occurrence, without secrets."""

    at: float
    message: str
    traceback: str
    logger: str
    file: str
    fields: dict[str, str]


class ErrorGroup(_Read):
    """One kind of error of one service."""

    service: str
    target: str
    fingerprint: str
    level: str
    type: str
    """The exception's name, or the logger's."""
    message: str
    """With what varies replaced."""
    first_seen: float
    last_seen: float
    count: int
    trend: list[HourCount]
    """The last 24 hours, oldest first, zeros included."""
    example: ErrorExample


class Errors(Answer):
    """Errors that fit, the latest first."""

    at: float
    """When the collector was asked."""
    configured: bool
    """False: the collector follows no logs."""
    errors: list[ErrorGroup]
    total: int
    """How many fit, shown or not."""
    services: list[str]
    """All services that have had errors, fitting or not."""
    missing: list[str]
    """Log targets that gave no answer."""
