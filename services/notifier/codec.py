"""How the working copy is written in Redis: compact JSON by orjson, read back by the models. Pure.

Every change is written, so this is where much of a storm's CPU would go: what follows from other things kept (a group
member's view follows from its alert and acknowledgement) is left out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel

from services.common.events import AlertEvent
from services.notifier.alerts import AlertRecord
from services.notifier.grouping import AlertView, Group, Member
from services.notifier.outbox import Entry
from services.notifier.state import StoredGroup


def encode(model: BaseModel) -> bytes:
    """Return the saved form of one item."""
    match model:
        case AlertRecord():
            return orjson.dumps({**model.__dict__, "event": _event(model.event)})
        case Entry():
            return orjson.dumps({**model.__dict__, "alerts": [_event(event) for event in model.alerts]})
        case StoredGroup():
            return orjson.dumps({**model.__dict__, "core": _core(model.core)})
        case _:
            return orjson.dumps(model.__dict__, default=_other)


def decode(model: type[BaseModel], row: bytes) -> BaseModel:
    """Return the item; raises ValueError. A group's members come without their views: see `with_views`."""
    if model is StoredGroup:
        return model.model_validate(_expanded(row))
    return model.model_validate_json(row)


def encode_event(event: AlertEvent) -> bytes:
    """Return an event as it goes on the stream."""
    return orjson.dumps(_event(event))


def _event(event: AlertEvent) -> dict[str, Any]:
    return {**event.__dict__, "rule": event.rule.__dict__}


def _core(core: Group) -> dict[str, Any]:
    return {
        "next_flush": core.next_flush,
        "flushed": core.flushed,
        "messages": core.messages,
        "retired": core.retired,
        "members": {
            key: [member.told_at, member.noted] if member.noted else [member.told_at]
            for key, member in core.members.items()
        },
    }


def _expanded(row: bytes) -> Any:
    match data := orjson.loads(row):
        case {"core": {"members": dict(members)}}:
            core = {**data["core"], "members": {key: _member(key, saved) for key, saved in members.items()}}
            return {**data, "core": core}
    return data


def _member(key: str, saved: Any) -> Any:
    if not isinstance(saved, list):
        return saved
    # Its view follows from its alert, which is read too.
    blank = {"alert_id": key, "starts_at": 0.0, "firing": False}
    return {"view": blank, **dict(zip(("told_at", "noted"), saved, strict=False))}


def _other(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.__dict__
    raise TypeError(f"{type(value).__name__} has no saved form")


def with_views(group: StoredGroup, views: Mapping[str, AlertView]) -> StoredGroup:
    """Return a group that was read with its members' views; a member whose alert is gone goes too."""
    members = {
        key: Member(views[key], one.told_at, one.noted) for key, one in group.core.members.items() if key in views
    }
    return group.model_copy(update={"core": replace(group.core, members=members)})
