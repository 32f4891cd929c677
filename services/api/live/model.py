"""Messages of the WebSocket; `seq` grows by one with each message to all, and counts within one `epoch`."""

from typing import Literal

from pydantic import ConfigDict, Field

from services.api.alerts.model import Alert
from services.api.model import Answer, Body
from services.api.overview.model import Health, Realtime


class LiveQuery(Body):
    """Where a connection that was lost stood; without it, or when that is too long ago, it starts with a snapshot."""

    since: int | None = Field(default=None, ge=0, le=2**53)
    epoch: str = Field(default="", max_length=64)


class LiveSnapshot(Answer):
    """Everything as of `seq`: the first message of a connection."""

    seq: int
    epoch: str
    """This process' name for its count: `?epoch=&since=` of a later connection gets what was missed."""
    type: Literal["snapshot"] = "snapshot"
    at: float
    health: Health
    metrics: Realtime
    alerts: list[Alert]


class AlertChanges(Answer):
    """Alerts to put in place of those with the same id, and ids that fire no more."""

    upsert: list[Alert]
    remove: list[str]


class LiveChanges(Answer):
    """What changed since the message before; parts that did not change are left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    seq: int
    since: int | None = None
    """The `seq` that this follows, in the first message of a connection that catches up; else it is the one before."""
    type: Literal["changes"]
    at: float
    health: Health | None = None
    metrics: Realtime | None = None
    alerts: AlertChanges | None = None


class LivePing(Answer):
    """Sent every 15 s, so that a dead connection is noticed."""

    type: Literal["ping"] = "ping"
