"""The events that cross the borders between services, as JSON on Redis Streams.

Times are seconds since the Unix epoch. A consumer is idempotent on `(fingerprint, starts_at, status)`: the evaluator
sends its state again and again, so an event that is lost or doubled changes nothing.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ALERTS_STREAM = "tocsin:alerts"
ACTIONS_STREAM = "tocsin:actions"
HEARTBEAT_KEY = "tocsin:heartbeat:{service}:{instance}"
SCHEMA_VERSION = 1


class Severity(StrEnum):
    """How much it matters; the order is from most to least."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """What kind of trouble it is."""

    PERFORMANCE = "performance"
    SECURITY = "security"
    CODE_QUALITY = "code_quality"
    SYSTEM = "system"


class AlertStatus(StrEnum):
    """The two states that leave the evaluator; pending stays inside it."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Muted(StrEnum):
    """Why the evaluator asks that nobody is notified of this episode for now."""

    NO = ""
    COOLDOWN = "cooldown"
    RATE_CAP = "rate_cap"


class _Event(BaseModel):
    # A newer evaluator may add fields: a consumer that is one version behind ignores them.
    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = SCHEMA_VERSION

    def encode(self) -> bytes:
        """Return the event as the JSON bytes that go on the stream."""
        return self.model_dump_json().encode()


class RuleRef(BaseModel):
    """The rule that an alert comes from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    group: str = ""
    file: str = ""
    expr: str = ""
    for_seconds: float = 0.0
    cooldown_seconds: float = 0.0
    max_alerts_per_hour: int = 0
    """0 means no cap."""
    depends_on: tuple[str, ...] = ()
    """Alerts, by name, that hide this one while they fire: what it says follows from theirs."""


class AlertEvent(_Event):
    """One alert's state as of `sent_at`: an episode of a label set that fires or has resolved."""

    fingerprint: str = Field(pattern=r"^[0-9a-f]{16}$")
    status: AlertStatus
    labels: dict[str, str]
    """With `alertname`; what the fingerprint is made of."""
    annotations: dict[str, str] = Field(default_factory=dict)
    value: float | None = None
    active_at: float
    """When the expression first held (pending)."""
    starts_at: float
    """When it began to fire; with the fingerprint it names the episode."""
    ends_at: float | None = None
    """Resolved: when; firing: until when this holds if nothing newer is heard."""
    sent_at: float
    rule: RuleRef
    generator_url: str = ""
    muted: Muted = Muted.NO
    muted_until: float | None = None
    flapping: bool = False
    source: Literal["", "posted"] = ""
    """posted: by a program that is no evaluator of ours, to the notifier, which published it for the record."""

    @property
    def alert_id(self) -> str:
        """The episode's id, the same in every part: fingerprint and start in milliseconds."""
        return alert_id(self.fingerprint, self.starts_at)


def alert_id(fingerprint: str, starts_at: float) -> str:
    """Return the id of an episode, `<fingerprint>-<starts_at in milliseconds>`."""
    return f"{fingerprint}-{round(starts_at * 1000)}"


class ActionEvent(_Event):
    """What a person asked for, written by the API, read by the notifier."""

    action_id: str
    """Unique; a consumer does an action once."""
    kind: Literal["acknowledge", "unacknowledge", "test", "silence", "expire_silence"]
    at: float
    by: str
    alert_id: str = ""
    comment: str = ""
    expires_in: float | None = Field(default=None, gt=0)
    """For `acknowledge`: seconds after which it runs out by itself, with a reminder; None: never."""
    receiver: str = ""
    """For `test`: the receiver that gets a test notification."""
    silence: "SilenceRequest | None" = None
    """For `silence`: what is to be silenced; for `expire_silence` its `silence_id` stands in the field of that name."""
    silence_id: str = ""
    """For `silence`: the id that it gets or, of one that exists, that is changed."""


class SilenceMatcher(BaseModel):
    """One condition on a label, as Alertmanager's API writes it."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    name: str = Field(min_length=1)
    value: str
    is_regex: bool = Field(default=False, alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")


class SilenceRequest(BaseModel):
    """What a silence covers, and when (seconds since the epoch)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    matchers: tuple[SilenceMatcher, ...] = Field(min_length=1)
    starts_at: float
    ends_at: float
    created_by: str
    comment: str = ""


class Heartbeat(_Event):
    """That a service lives; kept under `HEARTBEAT_KEY` with a time to live of three intervals."""

    service: Literal["collector", "evaluator", "notifier", "api"]
    instance: str
    at: float
    started_at: float
    interval: float
    version: str
    ready: bool
    detail: str = ""
