"""Celery over a Redis broker: queues asked at each scrape, workers and tasks from the event stream."""

import asyncio
from urllib.parse import quote, urlsplit

from celery import Celery
from prometheus_client import Counter
from pydantic import Field, SecretStr, field_validator
from redis.asyncio import Redis  # noqa: TC002 - pydantic's rule for annotations does not hold in a plain class
from redis.exceptions import RedisError

from services.collector.sheet import Sheet
from services.collector.sources.base import Context, PasswordModel, SourceKind
from services.collector.sources.celery.queues import Ages, read_queues, write_queues
from services.collector.sources.celery.receiver import EventThread, make_app
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.workers import Workers
from services.collector.sources.redis.source import bare_address, connect_target, drop_client, translate
from services.common.durations import Duration

_STOP_LIMIT = 2.0


class CeleryTarget(PasswordModel):
    """One broker: its URL (from `${ENV}` where it carries a password) and the queues to watch."""

    broker_url: SecretStr
    queues: tuple[str, ...] = Field(default=("celery",), min_length=1)
    """The first is that of tasks which do not say their own; queues that workers listen to are added by themselves."""
    expected_workers: int | None = Field(default=None, ge=0)
    heartbeat_interval: Duration = Field(default=2.0, gt=0)
    """How often workers send a heartbeat, where they do not say so themselves."""
    forget_workers: Duration = Field(default=600.0, gt=0)
    inspect_interval: Duration = Field(default=30.0, gt=0)
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    key_prefix: str = ""
    """The broker's `global_keyprefix`, where one is set."""

    @field_validator("broker_url")
    @classmethod
    def _check(cls, url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in {"redis", "rediss"}:
            raise ValueError("is not a Redis broker, the only kind so far; write it like redis://host:6379/0")
        return url


class CelerySource:
    """One broker: a connection for the queues, and the thread that listens."""

    def __init__(self, target: CeleryTarget, context: Context, errors: Counter) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._client: Redis | None = None
        self._ages = Ages()
        self._tasks = Tasks(target.queues[0])
        self._workers = Workers(every=target.heartbeat_interval, forget=target.forget_workers)
        self.events = EventThread(
            target.name,
            self._make_app,
            self._tasks,
            self._workers,
            clock=context.clock,
            errors=errors,
            inspect_interval=target.inspect_interval,
        )

    def _make_app(self) -> Celery:
        url = self._target.broker_url.get_secret_value()
        password = self._target.read_password(self._base)
        if password is not None:
            parts = urlsplit(url)
            user, _, host = parts.netloc.rpartition("@")
            user = user.partition(":")[0]
            url = parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()
        return make_app(url, prefix=self._target.key_prefix)

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port."""
        if self._client is None:
            password = self._target.read_password(self._base)
            self._client = connect_target(self._target.broker_url, username=None, password=password, limit=limit)
        queues = [*self._target.queues, *sorted(set(self.events.worker_counts) - set(self._target.queues))]
        steps = self._target.priority_steps
        try:
            answers = await read_queues(self._client, queues, steps, self._target.key_prefix)
        except (RedisError, OSError) as error:
            await self.close()
            raise translate(error) from error
        except BaseException:
            await self.close()
            raise
        now, monotonic = self._clock.now(), self._clock.monotonic()
        write_queues(sheet, answers, queues, steps, self._ages, now=now, monotonic=monotonic)
        self._write_workers(sheet, monotonic)
        self._write_events(sheet)
        _write_up(sheet, up=True)

    def _write_workers(self, sheet: Sheet, monotonic: float) -> None:
        expected = self._target.expected_workers
        sheet.gauge("celery_workers_expected", "Workers that there should be, from the configuration.", expected)
        if not self.events.connected:
            # Without the event stream nothing is known of the workers; a 0 would be a false alarm.
            return
        with self.events.lock:
            self._workers.write(sheet, monotonic)
        for queue, count in self.events.worker_counts.items():
            sheet.gauge("celery_active_worker_count", "Workers that listen to the queue.", count, queue_name=queue)
        for queue, count in self.events.process_counts.items():
            sheet.gauge("celery_active_process_count", "Processes that listen to the queue.", count, queue_name=queue)

    def _write_events(self, sheet: Sheet) -> None:
        with self.events.lock:
            self._tasks.write(sheet)
            sheet.gauge("celery_tasks_under_way", "Tasks that are remembered until they end.", self._tasks.under_way)
        connected = self.events.connected
        sheet.gauge("celery_events_connected", "1 while the event stream is listened to.", connected)

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port; the counters go on, so that no rate breaks off while the broker is away."""
        del reason
        if sheet.value("celery_up") is None:
            _write_up(sheet, up=False)
            self._write_events(sheet)

    async def close(self) -> None:
        """Drop the queues' connection."""
        client, self._client = self._client, None
        if client is not None:
            await drop_client(client)

    async def stop(self) -> None:
        """End the thread, which gets two seconds for it."""
        await asyncio.to_thread(self.events.stop, _STOP_LIMIT)


def _write_up(sheet: Sheet, *, up: bool) -> None:
    sheet.gauge("celery_up", "1 when the broker answered this scrape, 0 when not.", up)


async def open_celery(target: CeleryTarget, context: Context) -> CelerySource:
    """Return the source and start to listen; a broker that is down does not stop the start."""
    source = CelerySource(target, context, context.telemetry.loop_errors)
    context.stack.push_async_callback(source.close)
    source.events.start()
    context.stack.push_async_callback(source.stop)
    return source


KIND = SourceKind("celery", CeleryTarget, open_celery, lambda target: bare_address(target.broker_url))
