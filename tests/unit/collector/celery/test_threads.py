import time

import pytest
from prometheus_client import CollectorRegistry, Counter

from services.collector.sources.celery.background import BackgroundThread
from services.collector.sources.celery.connections import closing, is_amqp, make_app, with_password
from services.collector.sources.celery.receiver import EventThread


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def errors(registry: CollectorRegistry) -> Counter:
    return Counter("errors", "", ["loop", "reason"], registry=registry)


def test_a_broker_that_is_away_is_counted_and_the_thread_ends_when_told(
    registry: CollectorRegistry, errors: Counter
) -> None:
    def nothing() -> None:
        raise AssertionError("never listened")

    events = EventThread(
        "jobs", lambda: make_app("redis://127.0.0.1:1/0", prefix=""), take=list, listening=nothing, errors=errors
    )
    events.start()
    labels = {"loop": "celery", "reason": "refused"}
    limit = time.monotonic() + 60
    while not registry.get_sample_value("errors_total", labels):
        assert time.monotonic() < limit
        events._thread.join(0.02)
    assert not events.connected
    events.stop(10.0)
    assert not events.alive


def test_work_is_begun_again_after_a_failure(registry: CollectorRegistry, errors: Counter) -> None:
    class Work(BackgroundThread):
        rounds = 0

        def work(self) -> None:
            self.rounds += 1
            if self.rounds == 1:
                raise ConnectionResetError
            self.stopping.wait(20)

    work = Work("test", "jobs", errors)
    work.start()
    limit = time.monotonic() + 60
    while work.rounds < 2:
        assert time.monotonic() < limit
        work._thread.join(0.02)
    assert registry.get_sample_value("errors_total", {"loop": "celery", "reason": "closed"}) == 1
    work.stop(10.0)
    assert not work.alive


def test_only_json_is_accepted_and_every_wait_is_bounded() -> None:
    app = make_app("redis://broker/0", prefix="shop:", separator=":")
    assert app.conf.accept_content == ["json"]
    options = app.conf.broker_transport_options
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 5
    assert options["global_keyprefix"] == "shop:"
    assert options["sep"] == ":"
    options = make_app("amqp://broker//", prefix="").conf.broker_transport_options
    assert options == {"read_timeout": 5, "write_timeout": 5, "connect_timeout": 5}


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("redis://h:1/0", None, "redis://h:1/0"),
        ("redis://h:1/0", "p@ss/", "redis://:p%40ss%2F@h:1/0"),
        ("amqp://me:old@h/v", "new", "amqp://me:new@h/v"),
    ],
)
def test_passwords_beside_the_url(url: str, password: str | None, whole: str) -> None:
    assert with_password(url, password) == whole


def test_kinds_of_brokers() -> None:
    assert is_amqp("amqp://h")
    assert is_amqp("amqps://h")
    assert not is_amqp("rediss://h")


class Half:
    """Kombu's channel as it fails in the middle of its closing."""

    def __init__(self) -> None:
        self.left = 2

    def release(self) -> None:
        self.left -= 1
        if self.left:
            raise RuntimeError("dictionary changed size during iteration")


def test_what_kombu_left_open_is_closed() -> None:
    half = Half()
    with closing(half):
        pass
    assert half.left == 0
