"""A Celery target's settings."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from services.collector.sources.base import PasswordModel
from services.collector.sources.celery.connections import AMQP_SCHEMES, REDIS_SCHEMES
from services.collector.sources.celery.queues import SEPARATOR
from services.collector.sources.celery.timetable import Timetable, check_cron, check_timezone
from services.common.config import StrictModel
from services.common.durations import Duration


class ScheduleEntry(StrictModel):
    """A task that beat (or anything else) sends by the clock: give either `every` or `cron`."""

    name: str = Field(min_length=1, max_length=100)
    task: str = Field(min_length=1)
    every: Duration | None = Field(default=None, gt=0)
    cron: Annotated[str, AfterValidator(check_cron)] | None = None
    """Five fields as in `celery.schedules.crontab`: minute hour day-of-month month day-of-week."""
    timezone: Annotated[str, AfterValidator(check_timezone)] = "UTC"

    @model_validator(mode="after")
    def _one(self) -> "ScheduleEntry":
        if (self.every is None) == (self.cron is None):
            raise ValueError("give either every (such as 15m) or cron (such as '0 3 * * *')")
        return self

    def timetable(self) -> Timetable:
        """Return it as the pure part takes it."""
        return Timetable(self.name, self.task, self.every, self.cron or "", self.timezone)


class CeleryTarget(PasswordModel):
    """One broker: its URL (from `${ENV}` where it carries a password) and the queues to watch."""

    broker_url: SecretStr
    """`redis://host:6379/0`, `rediss://…`, `amqp://user@host:5672/vhost` or `amqps://…`."""
    queues: tuple[str, ...] = Field(default=("celery",), min_length=1)
    """The first is that of tasks which do not say their own; queues that workers listen to are added by themselves."""
    expected_workers: int | None = Field(default=None, ge=0)
    heartbeat_interval: Duration = Field(default=2.0, gt=0)
    """How often workers send a heartbeat, where they do not say so themselves."""
    forget_workers: Duration = Field(default=600.0, gt=0)
    inspect_interval: Duration = Field(default=30.0, gt=0)
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    priority_separator: str = SEPARATOR
    """The broker's `sep`, where one is set in `broker_transport_options` (Redis)."""
    key_prefix: str = ""
    """The broker's `global_keyprefix`, where one is set (Redis)."""
    unacked_key: str = "unacked"
    management_url: str | None = None
    """RabbitMQ's management API, such as `http://host:15672`; it is asked with the broker's own user."""
    schedule: tuple[ScheduleEntry, ...] = ()
    """Scheduled tasks to watch beside those in the workers' own `beat_schedule`; the same name replaces one there."""
    read_beat_schedule: bool = True
    schedule_grace: Duration = Field(default=60.0, gt=0)
    """How late a scheduled task may start before its run counts as missed."""
    compat: tuple[Literal["flower"], ...] = ()
    """Further sets of names to write beside celery-exporter's."""

    @field_validator("broker_url")
    @classmethod
    def _check(cls, url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in REDIS_SCHEMES | AMQP_SCHEMES:
            raise ValueError(
                "is neither a Redis nor a RabbitMQ broker; write it like redis://host:6379/0 or amqp://host:5672//"
            )
        return url

    @field_validator("management_url")
    @classmethod
    def _check_management(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
                raise ValueError("write it like http://host:15672, without a user: the broker's own is taken")
        return url
