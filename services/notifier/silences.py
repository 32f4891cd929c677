"""Silences: who asked that which alerts are told to nobody, from when to when. Pure."""

import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from services.common.events import SilenceMatcher, SilenceRequest
from services.notifier.matchers import Matcher, Operator

State = Literal["pending", "active", "expired"]
_OPERATORS = {
    (False, True): Operator.EQUAL,
    (False, False): Operator.NOT_EQUAL,
    (True, True): Operator.REGEX,
    (True, False): Operator.NOT_REGEX,
}
_MAX_TEXT = 4096
_MAX_MATCHERS = 64


class SilenceError(ValueError):
    """A silence that can't be made; `str()` says what to change."""


class UnknownSilenceError(LookupError):
    """No silence has that id."""


class Silence(BaseModel):
    """One silence; times in seconds since the epoch."""

    # Not slotted: the compiled matchers are kept beside the fields.
    model_config = ConfigDict(frozen=True, extra="ignore")

    silence_id: str
    matchers: tuple[SilenceMatcher, ...]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str = ""
    updated_at: float

    @cached_property
    def compiled(self) -> tuple[Matcher, ...]:
        """The matchers, ready to be asked."""
        return compile_matchers(self.matchers)

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it is about this alert, whatever the time."""
        return all(matcher.matches(labels) for matcher in self.compiled)

    def state(self, now: float) -> State:
        """Return where in its life it is."""
        if now >= self.ends_at:
            return "expired"
        return "active" if now >= self.starts_at else "pending"


def compile_matchers(matchers: tuple[SilenceMatcher, ...]) -> tuple[Matcher, ...]:
    """Return matchers that can be asked; raises SilenceError."""
    try:
        return tuple(Matcher(one.name, _OPERATORS[one.is_regex, one.is_equal], one.value) for one in matchers)
    except ValueError as error:
        raise SilenceError(str(error)) from error


class Written(NamedTuple):
    """The silence to keep, and the one that it replaces, ended."""

    silence: Silence
    ended: Silence | None = None


def write(request: SilenceRequest, known: Silence | None, now: float, *, new_id: str = "") -> Written:
    """Return the silence that the request makes of `known` (None: a new one); raises SilenceError.

    As in Alertmanager: what is over, or changes whom it covers or when it began, becomes a new silence and the old one
    ends; anything else keeps its id.
    """
    _check(request, now)
    if known is not None and _same_life(request, known, now):
        starts_at = known.starts_at if known.state(now) == "active" else max(request.starts_at, now)
        return Written(_silence(request, known.silence_id, starts_at, now))
    made = _silence(request, new_id or str(uuid.uuid4()), max(request.starts_at, now), now)
    ended = expire(known, now) if known is not None and known.state(now) != "expired" else None
    return Written(made, ended)


def _silence(request: SilenceRequest, silence_id: str, starts_at: float, now: float) -> Silence:
    return Silence(
        silence_id=silence_id, matchers=request.matchers, starts_at=starts_at, ends_at=request.ends_at,
        created_by=request.created_by, comment=request.comment, updated_at=now,
    )  # fmt: skip


def _same_life(request: SilenceRequest, known: Silence, now: float) -> bool:
    if known.state(now) == "expired" or set(request.matchers) != set(known.matchers):
        return False
    # Times go through text, which keeps milliseconds.
    return known.state(now) == "pending" or abs(request.starts_at - known.starts_at) < 0.01  # noqa: PLR2004 - 10 ms


def _check(request: SilenceRequest, now: float) -> None:
    if request.ends_at <= request.starts_at:
        raise SilenceError("start time must be before end time")
    if request.ends_at <= now:
        raise SilenceError("end time can't be in the past")
    if len(request.matchers) > _MAX_MATCHERS:
        raise SilenceError(f"at most {_MAX_MATCHERS} matchers")
    if max(len(request.comment), len(request.created_by), *(len(one.value) for one in request.matchers)) > _MAX_TEXT:
        raise SilenceError(f"comment, creator and values have at most {_MAX_TEXT} characters")
    if all(matcher.matches({}) for matcher in compile_matchers(request.matchers)):
        raise SilenceError("at least one matcher must not match the empty string: this would silence everything")


def expire(silence: Silence, now: float) -> Silence:
    """Return the silence as ended now; one that had not begun has then never been in force."""
    starts_at = min(silence.starts_at, now)
    return silence.model_copy(update={"starts_at": starts_at, "ends_at": min(silence.ends_at, now), "updated_at": now})
