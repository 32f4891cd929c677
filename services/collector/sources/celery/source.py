"""Celery over Redis or RabbitMQ: queues asked at each scrape, workers and tasks from the event stream."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from celery import Celery
from prometheus_client import Counter

from services import __version__
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind
from services.collector.sources.celery.amqp_broker import AmqpBroker
from services.collector.sources.celery.beat import Beat
from services.collector.sources.celery.config import CeleryTarget
from services.collector.sources.celery.connections import is_amqp, make_app, with_password
from services.collector.sources.celery.inspector import Inspector
from services.collector.sources.celery.management import Management
from services.collector.sources.celery.memory import ScheduleFile
from services.collector.sources.celery.queues import Ages, BrokerFacts, all_queues, write_queues
from services.collector.sources.celery.receiver import EventThread
from services.collector.sources.celery.redis_broker import RedisBroker
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.watch import Watch
from services.collector.sources.celery.workers import Workers
from services.collector.sources.redis.source import bare_address

_STOP_LIMIT = 2.0


class Broker(Protocol):
    """What a kind of broker must answer."""

    async def read(self, queues: Sequence[str], limit: float, *, password: str | None) -> BrokerFacts:
        """Return the facts of the queues within `limit` seconds; raises ScrapeError."""
        ...

    async def close(self) -> None:
        """Drop what is open."""
        ...


class CelerySource:
    """One broker: a connection for the queues, a thread that listens and one that asks the workers."""

    def __init__(self, target: CeleryTarget, context: Context, errors: Counter, schedules: ScheduleFile) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._flower = "flower" in target.compat
        self._broker = _make_broker(target)
        self._answered = True
        self._schedules = schedules
        self.watch = Watch(
            clock=context.clock,
            tasks=Tasks(target.queues[0]),
            workers=Workers(every=target.heartbeat_interval, forget=target.forget_workers),
            beat=Beat(target.schedule_grace, schedules.read()),
            schedule=[entry.timetable() for entry in target.schedule],
            default_queue=target.queues[0],
            new_worker=self._ask_workers,
        )
        self._ages = Ages(self.watch.sent_at, self.watch.oldest_waiting)
        self.events = EventThread(
            target.name,
            self._make_app,
            take=self.watch.take,
            listening=self.watch.listening_again,
            errors=errors,
        )
        self.inspector = Inspector(
            target.name,
            self._make_app,
            took=self.watch.inspected,
            interval=target.inspect_interval,
            errors=errors,
            read_beat=target.read_beat_schedule,
        )

    def _ask_workers(self) -> None:
        self.inspector.wake()

    def _make_app(self) -> Celery:
        url = with_password(self._target.broker_url.get_secret_value(), self._target.read_password(self._base))
        return make_app(url, prefix=self._target.key_prefix, separator=self._target.priority_separator)

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port."""
        queues = all_queues(self._target.queues, self.watch.inspection.queue_names())
        try:
            facts = await self._broker.read(queues, limit, password=self._target.read_password(self._base))
        except BaseException:
            self._answered = False
            raise
        if not self._answered:
            # No worker can be blamed for a silence that was the broker's.
            self.watch.listening_again()
            self._answered = True
        write_queues(sheet, facts, self._ages, now=self._clock.now(), monotonic=self._clock.monotonic())
        self._write_workers(sheet)
        self._write_events(sheet)
        _write_up(sheet, up=True)
        await self._remember()

    async def _remember(self) -> None:
        await asyncio.to_thread(self._schedules.write, self.watch.scheduled())

    def _write_workers(self, sheet: Sheet) -> None:
        expected = self._target.expected_workers
        sheet.gauge("celery_workers_expected", "Workers that there should be, from the configuration.", expected)
        if self.events.connected:
            # Without the event stream nothing is known of the workers; a 0 would be a false alarm.
            self.watch.write_workers(sheet, flower=self._flower)

    def _write_events(self, sheet: Sheet) -> None:
        self.watch.write_tasks(sheet, flower=self._flower)
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
        await self._broker.close()

    async def stop(self) -> None:
        """End the threads, which get two seconds for it."""
        await asyncio.gather(*(asyncio.to_thread(one.stop, _STOP_LIMIT) for one in (self.events, self.inspector)))
        await self._remember()


def _make_broker(target: CeleryTarget) -> Broker:
    url = target.broker_url.get_secret_value()
    if is_amqp(url):
        management = None if target.management_url is None else Management(target.management_url, url)
        return AmqpBroker(url, management)
    return RedisBroker(
        url,
        steps=target.priority_steps,
        separator=target.priority_separator,
        prefix=target.key_prefix,
        unacked_key=target.unacked_key,
    )


def _write_up(sheet: Sheet, *, up: bool) -> None:
    sheet.gauge("celery_up", "1 when the broker answered this scrape, 0 when not.", up)
    sheet.gauge("celery_exporter_build_info", "Always 1; who exports.", 1, version=__version__)


async def open_celery(target: CeleryTarget, context: Context) -> CelerySource:
    """Return the source and start to listen; a broker that is down does not stop the start."""
    schedules = ScheduleFile(context.data_dir / "collector" / "celery", target.name)
    source = CelerySource(target, context, context.telemetry.loop_errors, schedules)
    context.stack.push_async_callback(source.close)
    source.events.start()
    source.inspector.start()
    context.stack.push_async_callback(source.stop)
    return source


KIND = SourceKind("celery", CeleryTarget, open_celery, lambda target: bare_address(target.broker_url))
