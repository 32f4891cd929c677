"""What people choose for themselves on the page, as it goes by way of Redis from the API to the notifier."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

PEOPLE_KEY = "tocsin:people"
"""Hash of `Preference` as JSON by contact's name."""
OVERRIDES_KEY = "tocsin:overrides"
"""Hash of `Takeover` as JSON by its id."""
_LATEST = 1e11
MOST_PER_HOUR = 1_000_000
LONGEST_WAIT = 86_400.0


class Wire(BaseModel):
    """The base of both: unknown keys are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


def _check_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; write it like Europe/Berlin") from error


def _once(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


ZoneName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_check_zone)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Severity = Literal["critical", "warning", "info"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Local time, like 22:00."""
ContactName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.@+-]+$")]
ScheduleName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_. -]+$")]
Moment = Annotated[float, Field(gt=0, lt=_LATEST)]


class ChosenChannel(Wire):
    """One of the contact's channels: `email/0`, or `email` for all of that kind."""

    channel: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+(/[0-9]{1,3})?$")]
    severities: Annotated[tuple[Severity, ...], Field(min_length=1, max_length=12), AfterValidator(_once)] | None = None
    """Null: those that the file says."""


class ChosenQuietHours(Wire):
    """A time of the day on some days; where `to` is not after `from` it ends on the next day."""

    time_zone: ZoneName
    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=28), AfterValidator(_once)] = (
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    )  # fmt: skip
    """The days on which it begins."""
    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay
    critical_passes: bool = True


class ChosenRateLimit(Wire):
    """So many messages an hour; what is over it is bundled."""

    per_hour: int = Field(ge=1, le=MOST_PER_HOUR)
    critical_within: float = Field(default=60.0, ge=0, le=LONGEST_WAIT)
    """Seconds after which a bundle with something critical in it leaves, whatever the limit."""


class Preference(Wire):
    """One contact's choice; what is null stays as the file has it."""

    channels: Annotated[tuple[ChosenChannel, ...], Field(min_length=1, max_length=32)] | None = None
    """In the order in which they are used; only those named are used."""
    deliver: Literal["first", "all"] | None = None
    quiet_hours: Annotated[tuple[ChosenQuietHours, ...], Field(max_length=16)] | None = None
    """An empty list: none, whatever the file says."""
    rate_limit: ChosenRateLimit | None = None


class Takeover(Wire):
    """Somebody takes over a schedule's duty for a while; without `instead_of` from all who have it then."""

    schedule: ScheduleName
    contact: ContactName
    """Who takes over."""
    instead_of: ContactName | None = None
    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _in_order(self) -> "Takeover":
        if self.starts_at >= self.ends_at:
            raise ValueError("starts_at must be before ends_at")
        return self
