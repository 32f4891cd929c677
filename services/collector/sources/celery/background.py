"""A thread that works for one broker until told to stop, and begins again after a failure."""

import threading
from typing import Any

import structlog
from prometheus_client import Counter

from services.collector.reasons import reason_of

log = structlog.get_logger(__name__)
_PAUSE, _MOST_PAUSE = 1.0, 30.0


class BackgroundThread:
    """Calls `work` again and again; a failure is counted, logged once per reason, and followed by a longer pause.

    `work` must look at `stopping` now and then, and return or raise.
    """

    def __init__(self, what: str, target: str, errors: Counter) -> None:
        self.stopping = threading.Event()
        self._what, self._target, self._errors = what, target, errors
        # A daemon: a broker that hangs in the middle of a call must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"celery {what} {target}", daemon=True)

    def work(self) -> None:
        """Do the thread's work, until stopped or until it fails."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Make `work` notice that it is to stop."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait: float) -> None:
        """Ask the thread to end and wait at most that many seconds for it."""
        self.stopping.set()
        self.interrupt()
        self._thread.join(wait)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause, last = _PAUSE, ""
        while not self.stopping.is_set():
            try:
                self.work()
                pause, last = _PAUSE, ""
            except Exception as error:  # noqa: BLE001 - one for the thread: whatever the transport raises, it begins again
                reason = reason_of(error).value
                self._errors.labels("celery", reason).inc()
                if reason != last and not self.stopping.is_set():
                    log.warning("celery_thread_failed", thread=self._what, **self._facts(reason, error, pause))
                last = reason
                self.stopping.wait(pause)
                pause = min(pause * 2, _MOST_PAUSE)

    def _facts(self, reason: str, error: Exception, pause: float) -> dict[str, Any]:
        return {"target": self._target, "reason": reason, "error": error, "retry_in": pause}
