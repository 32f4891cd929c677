"""A header in each Celery message that says when it was sent, so that a queue's age can be read from the queue."""

import time
from collections.abc import Callable
from typing import Any

HEADER = "tocsin_sent_at"


def stamp_sent_at(*, now: Callable[[], float] = time.time) -> Callable[..., None]:
    """Stamp every task message published by this process from now on; return the receiver (tests disconnect it).

    Call it once in each process that sends tasks (web workers, beat, workers). Raises ImportError without Celery.
    """
    from celery.signals import before_task_publish  # noqa: PLC0415 - apps without Celery import this package too

    def stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
        if headers is not None:
            headers[HEADER] = now()

    before_task_publish.connect(stamp, weak=False, dispatch_uid="tocsin-sent-at")
    return stamp
