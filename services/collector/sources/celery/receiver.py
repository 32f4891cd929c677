"""Listens to Celery's events in a thread of its own, as Celery's client blocks."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextlib import closing as closing_generator
from typing import Any

from celery import Celery
from celery.events.receiver import EventReceiver
from prometheus_client import Counter

from services.collector.sources.celery.background import BackgroundThread
from services.collector.sources.celery.connections import SOCKET_LIMIT, closing

_HEARTBEAT = 10.0

Take = Callable[[Iterable[Mapping[str, Any]]], None]


class _Receiver(EventReceiver):  # type: ignore[misc]  # Celery has no types
    """Hands event dicts on as they came; the base class keeps Lamport clocks and time zones that we don't use."""

    def __init__(self, *args: Any, take: Take, listening: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._take, self._listening = take, listening
        self._rounds = 0
        self._consuming: Any = None

    def _receive(self, body: Any, _message: Any) -> None:
        events = body if isinstance(body, list) else [body]
        self._take(event for event in events if isinstance(event, dict))

    def establish_connection(self) -> AbstractContextManager[Any]:
        self._consuming = self.connection.clone()
        return closing(self._consuming)

    def on_iteration(self) -> None:
        # Kombu subscribes in its first round.
        self._rounds += 1
        if self._rounds == 2:  # noqa: PLR2004 - the second begins with the first one's end
            self._listening()
        # A listener sends nothing by itself: RabbitMQ would take it for dead, and we a machine that is gone for idle.
        if self._consuming is not None and self._consuming.connected and self._consuming.supports_heartbeats:
            self._consuming.heartbeat_check(rate=4)


class EventThread(BackgroundThread):
    """Hands events to `take` until stopped; `listening` is called when the stream begins anew."""

    def __init__(
        self, name: str, make: Callable[[], Celery], *, take: Take, listening: Callable[[], None], errors: Counter
    ) -> None:
        super().__init__("events", name, errors)
        self.connected = False
        self._make, self._take, self._listening = make, take, listening
        self._receiver: _Receiver | None = None

    def interrupt(self) -> None:
        """See the base class."""
        if self._receiver is not None:
            self._receiver.should_stop = True

    def work(self) -> None:
        """Listen until stopped or until the broker is lost."""
        app = self._make()
        try:
            with closing(app.connection_for_read(heartbeat=_HEARTBEAT)) as connection:
                connection.ensure_connection(max_retries=1, timeout=SOCKET_LIMIT)
                receiver = _Receiver(connection, app=app, take=self._take, listening=self._begin)
                self._receiver = receiver
                # Ended here and not by the garbage collector: its end uses the connection, which is closed next.
                with closing_generator(receiver.consume(limit=None, timeout=None, wakeup=True)) as rounds:
                    # `stop` may have come before there was a receiver to tell.
                    receiver.should_stop = self.stopping.is_set()
                    for _ in rounds:
                        if self.stopping.is_set():
                            break
        finally:
            self.connected = False
            self._receiver = None
            app.close()

    def _begin(self) -> None:
        self._listening()
        self.connected = True
