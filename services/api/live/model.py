"""Messages of the WebSocket; `seq` grows by one with each message but pings."""

from typing import Literal

from pydantic import ConfigDict

from services.api.alerts.model import Alert
from services.api.model import Answer
from services.api.overview.model import Health, Realtime


class LiveSnapshot(Answer):
    """Everything as of `seq`: the first message of a connection."""

    seq: int
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
    type: Literal["changes"]
    at: float
    health: Health | None = None
    metrics: Realtime | None = None
    alerts: AlertChanges | None = None


class LivePing(Answer):
    """Sent every 15 s, so that a dead connection is noticed."""

    type: Literal["ping"] = "ping"
