"""Asks the workers in a thread of its own, never in a scrape: a question to all has to wait for the slowest."""

import threading
from collections.abc import Callable
from typing import Any

from celery import Celery
from prometheus_client import Counter

from services.collector.sources.celery.background import BackgroundThread
from services.collector.sources.celery.connections import SOCKET_LIMIT, closing
from services.collector.sources.celery.inspection import Inspection, read_answers

_ANSWER_LIMIT = 1.0
_BEAT_EVERY = 10


class Inspector(BackgroundThread):
    """Switches task events on and reads what only the workers know, every `interval` seconds and when woken.

    `took` gets each round's facts, in this thread.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Celery],
        *,
        took: Callable[[Inspection], None],
        interval: float,
        errors: Counter,
        read_beat: bool,
    ) -> None:
        super().__init__("inspection", name, errors)
        self._make, self._took, self._interval, self._read_beat = make, took, interval, read_beat
        self._wake = threading.Event()
        self._round = 0

    def wake(self) -> None:
        """Ask at once: a worker has shown itself that does not send events yet."""
        self._wake.set()

    def interrupt(self) -> None:
        """See the base class."""
        self._wake.set()

    def work(self) -> None:
        """Ask until stopped."""
        app = self._make()
        try:
            with closing(app.connection_for_write()) as connection:
                connection.ensure_connection(max_retries=1, timeout=SOCKET_LIMIT)
                while not self.stopping.is_set():
                    self._wake.clear()
                    self._took(self._ask(app, connection))
                    self._wake.wait(self._interval)
        finally:
            app.close()

    def _ask(self, app: Celery, connection: Any) -> Inspection:
        # The first question waits for everybody and tells how many there are; the others end with the last answer.
        replies = app.control.enable_events(connection=connection, reply=True, timeout=_ANSWER_LIMIT) or []
        enabled = {node: answer for reply in replies for node, answer in reply.items()}
        inspect = app.control.inspect(timeout=_ANSWER_LIMIT, connection=connection, limit=len(enabled) or None)
        if not enabled:
            return read_answers({}, {}, {}, {}, {}, None)
        conf = None
        if self._read_beat and self._round % _BEAT_EVERY == 0:
            one = app.control.inspect(
                destination=[min(enabled)], timeout=_ANSWER_LIMIT, connection=connection, limit=1
            )  # fmt: skip
            conf = one.conf() or {}
        self._round += 1
        return read_answers(
            enabled,
            inspect.active_queues() or {},
            inspect.stats() or {},
            inspect.registered() or {},
            inspect.reserved() or {},
            conf,
        )
