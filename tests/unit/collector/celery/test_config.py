from typing import Any

import pytest
from pydantic import ValidationError

from services.collector.sources.celery.config import CeleryTarget, ScheduleEntry
from services.collector.sources.celery.timetable import Timetable


def target(**settings: Any) -> CeleryTarget:
    return CeleryTarget.model_validate({"name": "jobs", "broker_url": "redis://h/0", **settings})


@pytest.mark.parametrize("url", ["redis://h:6379/0", "rediss://h/0", "amqp://me@h:5672//", "amqps://h/v", "pyamqp://h"])
def test_brokers(url: str) -> None:
    assert target(broker_url=url).broker_url.get_secret_value() == url


def test_an_unknown_broker_is_refused_without_its_password() -> None:
    with pytest.raises(ValidationError, match="neither a Redis nor a RabbitMQ broker") as caught:
        target(broker_url="sqs://me:hunter2@h")
    assert "hunter2" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("url", ["h:15672", "ftp://h", "http://", "http://me:x@h:15672"])
def test_bad_management_urls(url: str) -> None:
    with pytest.raises(ValidationError, match="write it like http://host:15672"):
        target(broker_url="amqp://h", management_url=url)


def test_a_good_management_url() -> None:
    assert target(broker_url="amqp://h", management_url="http://h:15672").management_url == "http://h:15672"


def test_schedules() -> None:
    entries = target(
        schedule=[
            {"name": "night", "task": "shop.close_day", "cron": "0  3 * * *", "timezone": "Europe/Berlin"},
            {"name": "often", "task": "shop.poll", "every": "15s"},
        ]
    ).schedule
    assert entries[0].timetable() == Timetable("night", "shop.close_day", None, "0 3 * * *", "Europe/Berlin")
    assert entries[1].timetable() == Timetable("often", "shop.poll", 15.0)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, "give either every"),
        ({"every": "1m", "cron": "0 3 * * *"}, "give either every"),
        ({"cron": "0 3"}, "five fields"),
        ({"cron": "0 99 * * *"}, "no crontab"),
        ({"every": "0s"}, "greater than 0"),
        ({"every": "1m", "timezone": "Moon"}, "no time zone"),
    ],
)
def test_bad_schedules(more: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        ScheduleEntry.model_validate({"name": "x", "task": "t", **more})


def test_only_known_name_sets() -> None:
    assert target(compat=["flower"]).compat == ("flower",)
    with pytest.raises(ValidationError):
        target(compat=["oval"])
