"""Celery apps and connections that only listen and ask: every wait is bounded, every socket is closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from celery import Celery

SOCKET_LIMIT = 5.0
_RELEASES = 5
REDIS_SCHEMES = frozenset({"redis", "rediss"})
AMQP_SCHEMES = frozenset({"amqp", "amqps", "pyamqp"})


def with_password(url: str, password: str | None) -> str:
    """Return a broker's URL with the password put in, unchanged where there is none."""
    if password is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0]
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


def is_amqp(url: str) -> bool:
    """Tell RabbitMQ from Redis."""
    return urlsplit(url).scheme in AMQP_SCHEMES


def make_app(broker_url: str, *, prefix: str, separator: str | None = None) -> Celery:
    """Return a Celery app that only listens: JSON alone is accepted, no wait is unbounded."""
    app = Celery("tocsin-collector", broker=broker_url, set_as_current=False)
    options: dict[str, Any]
    if is_amqp(broker_url):
        options = {"read_timeout": SOCKET_LIMIT, "write_timeout": SOCKET_LIMIT, "connect_timeout": SOCKET_LIMIT}
    else:
        options = {
            "socket_timeout": SOCKET_LIMIT,
            "socket_connect_timeout": SOCKET_LIMIT,
            "global_keyprefix": prefix,
        }
        if separator is not None:
            options["sep"] = separator
    app.conf.update(accept_content=["json"], broker_connection_timeout=SOCKET_LIMIT, broker_transport_options=options)
    # Kombu's pools are shared by all apps of a broker and never closed; without one a given connection is used.
    app.control.mailbox.producer_pool = None
    return app


@contextmanager
def closing(connection: Any) -> Iterator[Any]:
    """Give the connection and close it, whatever kombu does on the way."""
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
