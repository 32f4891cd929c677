"""Queues on RabbitMQ: passive declares in a thread, as py-amqp blocks, and the management API where it is given."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound, ResourceLocked
from kombu.connection import Connection

from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sources.celery.connections import with_password
from services.collector.sources.celery.management import Management
from services.collector.sources.celery.queues import BrokerFacts, QueueFacts


class AmqpBroker:
    """One kept connection in one thread; a thread that still hangs is not asked a second time."""

    def __init__(self, url: str, management: Management | None) -> None:
        self._url, self._management = url, management
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="celery queues")
        self._connection: Any = None
        self._channel: Any = None
        self._running: Future[list[QueueFacts]] | None = None

    async def read(self, queues: Sequence[str], limit: float, *, password: str | None) -> BrokerFacts:
        """Return lengths and consumers; raises ScrapeError."""
        if self._running is not None and not self._running.done():
            raise ScrapeError(Reason.TIMEOUT, "the broker has not answered the last question yet")
        self._running = self._pool.submit(self._declare_all, list(queues), limit, password)
        try:
            found = await asyncio.wrap_future(self._running)
        except (AMQPError, OSError) as error:
            raise _translate(error) from error
        if self._management is None:
            return BrokerFacts(tuple(found))
        told = await self._management.queues(password, limit)
        if told is None:
            return BrokerFacts(tuple(found), management_up=False)
        more = tuple(replace(one, **told.get(one.name, {})) for one in found)
        return BrokerFacts(more, management_up=True)

    def _declare_all(self, queues: Sequence[str], limit: float, password: str | None) -> list[QueueFacts]:
        try:
            if self._connection is None:
                self._connect(limit, password)
            return [self._declare(queue) for queue in queues]
        except BaseException:
            # An answer that comes late would be taken for the next question's.
            self._drop()
            raise

    def _connect(self, limit: float, password: str | None) -> None:
        options = {"read_timeout": limit, "write_timeout": limit, "client_properties": {"product": "tocsin-collector"}}
        url = with_password(self._url, password)
        known: Any = Connection(url, connect_timeout=limit, transport_options=options)  # type: ignore[no-untyped-call]  # kombu has no annotation here
        # Without kombu's own retries, which would outlast the scrape.
        self._connection = known.transport.establish_connection()

    def _declare(self, queue: str) -> QueueFacts:
        if self._channel is None:
            self._channel = self._connection.channel()
        try:
            answer = self._channel.queue_declare(queue, passive=True)
        except (NotFound, ResourceLocked) as error:
            # The broker closes the channel; the queue is not there yet, or one connection has it for itself.
            self._channel = None
            return QueueFacts(queue, 0, consumers=0, exists=isinstance(error, ResourceLocked))
        return QueueFacts(queue, answer.message_count, consumers=answer.consumer_count, exists=True)

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            # Without a good-bye, which a broker that hangs would not answer.
            with suppress(OSError, AMQPError):
                connection.collect()

    async def close(self) -> None:
        """Drop the connection; a call that hangs ends by its socket's time-out."""
        if self._management is not None:
            await self._management.close()
        if self._running is None or self._running.done():
            self._drop()
        else:
            self._running.add_done_callback(lambda _: self._drop())
        self._pool.shutdown(wait=False, cancel_futures=True)


def _translate(error: BaseException) -> ScrapeError:
    if isinstance(error, AccessRefused | NotAllowed):
        return ScrapeError(Reason.AUTH, f"{error}; check user, password and virtual host")
    return ScrapeError(reason_of(error), str(error) or type(error).__name__)
