"""The shop's background tasks, by Celery over Redis."""

import random
from typing import Any

from celery import Celery

from tocsin_client import stamp_sent_at

QUEUE = "celery"
HEARTBEAT_SECONDS = 2.0


def make_celery(broker_url: str) -> Celery:
    """Return the Celery app with its tasks; results are not kept, events are on so that they can be watched."""
    stamp_sent_at()
    app = Celery("shop", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_default_queue=QUEUE,
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        worker_hijack_root_logger=False,
        timezone="UTC",
        beat_schedule={"close-day": {"task": "shop.close_day", "schedule": 15.0}},
    )

    def send_receipt(order_id: int) -> int:
        # The text of a receipt, as work that takes a few milliseconds.
        return sum(ord(c) for c in f"Receipt of order {order_id}\n" * random.randint(200, 2000))

    def close_day() -> str:
        return "closed"

    app.task(name="shop.send_receipt")(send_receipt)
    app.task(name="shop.close_day")(close_day)
    app.set_default()
    return app


def enqueue_receipt(app: Celery, order_id: int) -> None:
    """Put one receipt on the queue; raises kombu's OperationalError when the broker is away."""
    options: dict[str, Any] = {"retry": False, "expires": 3600}
    app.send_task("shop.send_receipt", args=(order_id,), **options)
