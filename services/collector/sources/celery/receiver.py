"""Listens to Celery's events in a thread of its own, as Celery's client blocks."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any

from celery import Celery
from celery.events.receiver import EventReceiver
from prometheus_client import Counter

from services.collector.sources.celery.background import BackgroundThread
from services.collector.sources.celery.connections import SOCKET_LIMIT, closing
from services.collector.sources.celery.fanout import Fanout, read_delivery

_HEARTBEAT = 10.0
_SUBSCRIBE, _ROUND = 0.2, 1.0

Take = Callable[[Iterable[Mapping[str, Any]]], None]


class _Receiver(EventReceiver):  # type: ignore[misc]  # Celery has no types
    """Hands event dicts on as they came; the base class keeps Lamport clocks and time zones that we don't use."""

    def __init__(self, *args: Any, take: Take, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._take = take

    def _receive(self, body: Any, _message: Any) -> None:
        events = body if isinstance(body, list) else [body]
        self._take(event for event in events if isinstance(event, dict))

    def establish_connection(self) -> AbstractContextManager[Any]:
        return closing(self.connection.clone())


class EventThread(BackgroundThread):
    """Hands events to `take` until stopped; `listening` is called when the stream begins anew."""

    def __init__(
        self, name: str, make: Callable[[], Celery], *, take: Take, listening: Callable[[], None], errors: Counter
    ) -> None:
        super().__init__("events", name, errors)
        self.connected = False
        self._make, self._take, self._listening = make, take, listening

    def work(self) -> None:
        """Listen until stopped or until the broker is lost."""
        app = self._make()
        try:
            with closing(app.connection_for_read(heartbeat=_HEARTBEAT)) as connection:
                connection.ensure_connection(max_retries=1, timeout=SOCKET_LIMIT)
                receiver = _Receiver(connection, app=app, take=self._take)
                with receiver.consumer_context(wakeup=False) as (consuming, channel, _):
                    # Kombu subscribes when it is asked for events for the first time.
                    self._drain(consuming, _SUBSCRIBE)
                    self._listening()
                    self.connected = True
                    receiver.wakeup_workers(channel=channel)
                    if consuming.transport.driver_type == "redis":
                        self._listen_redis(channel)
                    else:
                        self._listen_amqp(consuming, channel)
        finally:
            self.connected = False
            app.close()

    def _listen_redis(self, channel: Any) -> None:
        fanout = Fanout(channel.subclient, self.stopping.wait)
        while not self.stopping.is_set():
            events = fanout.batch()
            if events:
                self._take(events)

    def _listen_amqp(self, consuming: Any, channel: Any) -> None:
        # The one consumer of this channel is ours.
        channel.callbacks.update(dict.fromkeys(channel.callbacks, lambda message: self._take(read_delivery(message))))
        while not self.stopping.is_set():
            self._drain(consuming, _ROUND)
            # A listener sends nothing by itself: RabbitMQ would take it for dead, and we a machine that is gone for
            # idle.
            consuming.heartbeat_check()

    @staticmethod
    def _drain(consuming: Any, limit: float) -> None:
        with suppress(TimeoutError):
            consuming.drain_events(timeout=limit)
