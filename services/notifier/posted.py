"""Alerts as Alertmanager's API v2 takes them. Pure."""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from sys import intern

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.common.events import AlertEvent, AlertStatus, RuleRef
from services.common.labels import ALERT_NAME, fingerprint
from services.notifier.alerts import AlertRecord
from services.notifier.engine import Report
from services.notifier.shared_models import constructed

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_YEAR_ONE = 1


@lru_cache(maxsize=4096)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


class PostedAlert(BaseModel):
    """One posted alert; `tocsin` is there when our own evaluator sends because Redis is away."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: dt.datetime | None = Field(default=None, alias="startsAt")
    ends_at: dt.datetime | None = Field(default=None, alias="endsAt")
    generator_url: str = Field(default="", alias="generatorURL")
    tocsin: AlertEvent | None = None

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: dict[str, str]) -> dict[str, str]:
        # Most values stand in thousands of alerts: one copy of each is kept.
        kept = {name: intern(value) for name, value in labels.items() if value}
        if not kept:
            raise ValueError("at least one label pair is required")
        for name in kept:
            if not _is_name(name):
                raise ValueError(f"{name!r} is not a label name")
        return kept

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _not_zero(cls, at: dt.datetime | None) -> dt.datetime | None:
        # Go's zero time stands for "not given".
        if at is None or at.year == _YEAR_ONE:
            return None
        return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def to_report(
    posted: PostedAlert, now: float, *, resolve_timeout: float, newest: Callable[[str], AlertRecord | None]
) -> Report:
    """Return what the post reports; raises ValueError when it ends before it starts.

    A post without a start, or whose time overlaps the running episode, belongs to that episode.
    """
    if posted.tocsin is not None:
        return Report(posted.tocsin)
    mark = fingerprint(posted.labels)
    ends_at = posted.ends_at.timestamp() if posted.ends_at else None
    given = posted.starts_at.timestamp() if posted.starts_at else None
    starts_at = given if given is not None else min(now, ends_at if ends_at is not None else now)
    if ends_at is not None and ends_at < starts_at:
        raise ValueError("endsAt is before startsAt")
    over = ends_at is not None and ends_at <= now
    known = newest(mark)
    if known is not None and known.origin == "foreign":
        starts_at = _episode_start(known, starts_at, now, given=given is not None, over=over)
    return Report(
        constructed(
            AlertEvent,
            fingerprint=mark,
            status=AlertStatus.RESOLVED if over else AlertStatus.FIRING,
            labels=posted.labels,
            annotations=posted.annotations,
            active_at=starts_at,
            starts_at=starts_at,
            ends_at=ends_at if ends_at is not None else now + resolve_timeout,
            sent_at=now,
            rule=_rule(posted.labels.get(ALERT_NAME, "")),
            generator_url=posted.generator_url,
            source="posted",
        ),
        "foreign",
    )


@lru_cache(maxsize=4096)
def _rule(name: str) -> RuleRef:
    # All that is known of a foreign rule, so all of its alerts can share it.
    return RuleRef(name=name)


def _episode_start(known: AlertRecord, starts_at: float, now: float, *, given: bool, over: bool) -> float:
    overlaps = starts_at <= (known.event.ends_at or now)
    if known.firing:
        return known.event.starts_at if overlaps or not given else starts_at
    if over:
        # An end that is told again belongs to the episode that it ended.
        return known.event.starts_at if overlaps else starts_at
    if not overlaps:
        return starts_at
    # It lapsed and is heard of again: the same episode. It was ended and fires again: a new one.
    return known.event.starts_at if known.expired else now
