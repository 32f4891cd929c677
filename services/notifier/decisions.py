"""Why nobody is told of an alert now: the pipeline's steps give one of these, and it is recorded. Pure."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """A step that holds a message back; bounded, so it is a metric's label too."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    DEPENDENCY = "dependency"
    MUTE_INTERVAL = "mute_time_interval"
    ACTIVE_INTERVAL = "outside_active_time_interval"
    COOLDOWN = "cooldown"
    RATE_CAP = "rate_cap"
    QUIET_HOURS = "quiet_hours"
    RATE_LIMIT = "rate_limit"
    STORM = "storm"
    TOLD_ALREADY = "told_already"
    NO_CHANNEL = "no_channel"
    UNKNOWN_CONTACT = "unknown_contact"
    NOBODY = "nobody_on_call"
    ESCALATED = "escalated"
    ESCALATION_PUT_OFF = "escalation_put_off"
    ESCALATION_OVER = "escalation_over"
    FELL_OVER = "fell_over"
    ACKNOWLEDGEMENT_OVER = "acknowledgement_over"


HIDING = frozenset({Reason.SILENCED, Reason.INHIBITED, Reason.DEPENDENCY})
"""Steps that hide an alert itself, wherever it would go; the others hold one route's or one rule's messages."""


class Decision(NamedTuple):
    """Not sent: which step, and by what."""

    reason: Reason
    detail: str
    """For people: `silence 5a6f… (deploy, anna)`."""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value
