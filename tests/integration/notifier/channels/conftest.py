"""Channels at stand-ins."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.common.testing.clock import ManualClock
from services.notifier.alertmanager import GlobalConfig
from services.notifier.channels import CHANNELS
from services.notifier.channels.base import Message, Surroundings
from services.notifier.grouping import Cause
from services.notifier.messages import Messages
from tests.integration.notifier.channels.catalog import BY_KEY
from tests.integration.notifier.channels.standin import StandIn, standing_in
from tests.integration.notifier.conftest import event

EXTERNAL = "https://tocsin.example.com"
GROUP_KEY = '{}:{alertname="CeleryQueueBacklog"}'


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with standing_in() as it:
        yield it


@pytest.fixture
async def around(tmp_path) -> AsyncIterator[Surroundings]:
    stack = AsyncExitStack()
    messages = Messages([], external_url=EXTERNAL, zone=ZoneInfo("UTC"))
    yield Surroundings(GlobalConfig(), tmp_path, messages, ManualClock(), stack, receiver="ops team")
    await stack.aclose()


@pytest.fixture
def build(standin: StandIn, around: Surroundings) -> Callable[..., Any]:
    """Build a channel of the catalogue at the stand-in, which answers as the provider does when all is well."""

    def make(key: str, where: Surroundings = around, **changes: Any) -> Any:
        kind = BY_KEY[key]
        channel = next(one for one in CHANNELS if one.key == key)
        standin.usual = kind.ok
        config = {name: value for name, value in {**kind.config(standin.url), **changes}.items() if value is not None}
        place = replace(where, globals=GlobalConfig(**kind.globals(standin.url)))
        return channel.build(channel.model.model_validate(config), place)

    return make


def told(status: str = "firing", cause: Cause = Cause.NEW, delivery: str = "d1", **more: Any) -> Message:
    """The product's example: a long Celery queue."""
    alert = event(status=status, starts_at=1_700_000_000.0, rule={"expr": "celery_queue_length > 20"})
    alert = alert.model_copy(update={
        "ends_at": 1_700_000_300.0,
        "annotations": {
            "summary": "High Celery Queue Backlog", "action": "Scale up Celery workers", "action_link": "/celery",
            "description": "45 tasks pending (threshold: 20)\nAvg wait: 3.5 minutes",
        },
    })  # fmt: skip
    given: dict[str, Any] = {
        "delivery_id": delivery, "recipient": "+4915110", "receiver": "ops team", "group_key": GROUP_KEY,
        "group_labels": {"alertname": "CeleryQueueBacklog"}, "alerts": [alert], "created_at": 1_700_000_000.0,
        "thread": "d1",
    }  # fmt: skip
    return Message(**{**given, "status": status, "cause": cause, **more})


def acknowledged(by: str = "anna", **more: Any) -> Message:
    """The same, after somebody has taken it on."""
    first = told()
    acks = {first.alerts[0].alert_id: by}
    return told(cause=Cause.ACKNOWLEDGED, delivery="d2", acknowledged=acks, **more)
