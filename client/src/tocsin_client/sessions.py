"""How many people use the app now."""

import os
import time
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from tocsin_client.registered import once
from tocsin_client.types import Timer


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge(
            "app_sessions_active",
            "Distinct sessions seen within the window.",
            registry=registry,
            multiprocess_mode="livesum",
        )


class ActiveSessions:
    """A gauge of distinct sessions seen within `window` seconds, at most `limit` of them remembered.

    With several worker processes a session counts once in each that it has reached.
    """

    def __init__(
        self,
        *,
        window: float = 300.0,
        limit: int = 100_000,
        registry: CollectorRegistry = REGISTRY,
        timer: Timer = time.monotonic,
    ) -> None:
        self._window, self._limit, self._timer = window, limit, timer
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = Lock()
        self._gauge = once(registry, _Metrics).active
        # Of several processes each can only write its number down; nobody can ask them all.
        self._written = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if not self._written:
            self._gauge.set_function(self.count)

    def seen(self, session: Hashable) -> None:
        """Note that a session did something now; give its id or user, never what must stay secret."""
        with self._lock:
            self._seen[session] = self._timer()
            self._seen.move_to_end(session)
            self._forget()
            self._write()

    def ended(self, session: Hashable) -> None:
        """Note that a session is over (logout)."""
        with self._lock:
            self._seen.pop(session, None)
            self._write()

    def count(self) -> int:
        """Return how many sessions are within the window."""
        with self._lock:
            self._forget()
            return len(self._seen)

    def _forget(self) -> None:
        oldest = self._timer() - self._window
        while self._seen and (len(self._seen) > self._limit or next(iter(self._seen.values())) < oldest):
            self._seen.popitem(last=False)

    def _write(self) -> None:
        if self._written:
            self._gauge.set(len(self._seen))
