"""Listens to Celery's events in a thread of its own, as Celery's client blocks."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import structlog
from celery import Celery
from celery.events.receiver import EventReceiver
from prometheus_client import Counter

from services.collector.reasons import reason_of
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.workers import Workers
from services.common.clock import Clock

log = structlog.get_logger(__name__)
_PAUSE, _MOST_PAUSE = 1.0, 30.0
_SOCKET_LIMIT = 5.0
_INSPECT_WAIT = 1.0
_RELEASES = 5


def make_app(broker_url: str, *, prefix: str) -> Celery:
    """Return a Celery app that only listens: JSON alone is accepted, no wait is unbounded."""
    app = Celery("tocsin-collector", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_timeout=_SOCKET_LIMIT,
        broker_transport_options={
            "socket_timeout": _SOCKET_LIMIT,
            "socket_connect_timeout": _SOCKET_LIMIT,
            "global_keyprefix": prefix,
        },
    )
    return app


@contextmanager
def _closing(connection: Any) -> Iterator[Any]:
    try:
        yield connection
    finally:
        for _ in range(_RELEASES):
            try:
                connection.release()
                break
            except RuntimeError:
                # Kombu's Redis channel deletes its queues while it goes over them, and stops in the middle with its
                # sockets open; what is left to delete is less each time.
                continue


class _Receiver(EventReceiver):  # type: ignore[misc]  # Celery has no types
    """Hands event dicts on as they came; the base class keeps Lamport clocks and time zones that we don't use."""

    def __init__(
        self, *args: Any, take: Callable[[Iterable[Mapping[str, Any]]], None], tick: Callable[[], None], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._take, self._tick = take, tick

    def _receive(self, body: Any, _message: Any) -> None:
        self._take(body if isinstance(body, list) else [body])

    def establish_connection(self) -> AbstractContextManager[Any]:
        return _closing(self.connection.clone())

    def on_iteration(self) -> None:
        self._tick()


class EventThread:
    """Counts events until stopped; connects again after a failure.

    The counters are changed under `lock`, which the scrape takes while it writes them out.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Celery],
        tasks: Tasks,
        workers: Workers,
        *,
        clock: Clock,
        errors: Counter,
        inspect_interval: float,
    ) -> None:
        self.lock = threading.Lock()
        self.connected = False
        self.worker_counts: dict[str, int] = {}
        self.process_counts: dict[str, int] = {}
        self._name, self._make, self._clock, self._errors = name, make, clock, errors
        self._tasks, self._workers = tasks, workers
        self._inspect_interval, self._inspected = inspect_interval, float("-inf")
        self._stop = threading.Event()
        self._receiver: _Receiver | None = None
        # A daemon: a broker that hangs in the middle of a call must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"celery events {name}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self, wait: float) -> None:
        """Ask the thread to end and wait at most that many seconds for it."""
        self._stop.set()
        if self._receiver is not None:
            self._receiver.should_stop = True
        self._thread.join(wait)

    def _run(self) -> None:
        pause, last = _PAUSE, ""
        while not self._stop.is_set():
            try:
                self._listen()
                pause, last = _PAUSE, ""
            except Exception as error:  # noqa: BLE001 - one for the thread: whatever the transport raises, it listens again
                reason = reason_of(error).value
                self._errors.labels("celery", reason).inc()
                if reason != last and not self._stop.is_set():
                    log.warning("celery_events_lost", target=self._name, reason=reason, error=error, retry_in=pause)
                last = reason
                self._stop.wait(pause)
                pause = min(pause * 2, _MOST_PAUSE)
            finally:
                self.connected = False

    def _listen(self) -> None:
        app = self._make()
        try:
            # Kombu's pools are shared by all apps of a broker and never closed; without one `control` is used.
            app.control.mailbox.producer_pool = None
            with _closing(app.connection_for_read()) as connection, _closing(app.connection_for_write()) as control:
                connection.ensure_connection(max_retries=1, timeout=_SOCKET_LIMIT)
                receiver = _Receiver(
                    connection, app=app, take=self._take, tick=lambda: self._inspect_when_due(app, control)
                )
                self._receiver, self._inspected = receiver, float("-inf")
                with self.lock:
                    self._workers.listening_again(self._clock.monotonic())
                self.connected = True
                # Ended here and not by the garbage collector: its end uses the connection, which is closed next.
                with closing(receiver.consume(limit=None, timeout=None, wakeup=True)) as rounds:
                    for _ in rounds:
                        if self._stop.is_set():
                            break
        finally:
            self._receiver = None
            app.close()

    def _take(self, events: Iterable[Mapping[str, Any]]) -> None:
        now = self._clock.monotonic()
        with self.lock:
            for event in events:
                self._workers.apply(event, now)
                self._tasks.apply(event)

    def _inspect_when_due(self, app: Celery, control: Any) -> None:
        now = self._clock.monotonic()
        if self._stop.is_set() and self._receiver is not None:
            # `stop` may have come before there was a receiver to tell.
            self._receiver.should_stop = True
            return
        if now - self._inspected < self._inspect_interval:
            return
        self._inspected = now
        # Workers send task events only when asked to, and one that has just started has not been asked.
        app.control.enable_events(connection=control)
        inspect = app.control.inspect(timeout=_INSPECT_WAIT, connection=control)
        queues = inspect.active_queues() or {}
        statistics = inspect.stats() or {}
        workers: dict[str, int] = {}
        processes: dict[str, int] = {}
        for node, listened in queues.items():
            pool = len((statistics.get(node) or {}).get("pool", {}).get("processes") or ())
            for queue in listened:
                workers[queue["name"]] = workers.get(queue["name"], 0) + 1
                processes[queue["name"]] = processes.get(queue["name"], 0) + pool
        self.worker_counts, self.process_counts = workers, processes
