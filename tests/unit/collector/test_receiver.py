import time

from prometheus_client import CollectorRegistry, Counter

from services.collector.sources.celery.receiver import EventThread, make_app
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.workers import Workers
from services.common.testing.clock import ManualClock


def thread(errors: Counter) -> EventThread:
    return EventThread(
        "jobs",
        lambda: make_app("redis://127.0.0.1:1/0", prefix=""),
        Tasks("celery"),
        Workers(),
        clock=ManualClock(),
        errors=errors,
        inspect_interval=30,
    )


class FakeReceiver:
    should_stop = False


def test_a_stop_that_comes_before_the_receiver_is_not_lost() -> None:
    events = thread(Counter("errors", "", ["loop", "reason"], registry=CollectorRegistry()))
    events._stop.set()
    events._receiver = FakeReceiver()
    events._inspect_when_due(None, None)
    assert events._receiver.should_stop


def test_a_broker_that_is_away_is_counted_and_the_thread_ends_when_told() -> None:
    registry = CollectorRegistry()
    events = thread(Counter("errors", "", ["loop", "reason"], registry=registry))
    events.start()
    labels = {"loop": "celery", "reason": "refused"}
    limit = time.monotonic() + 20
    while not registry.get_sample_value("errors_total", labels):
        assert time.monotonic() < limit
        events._thread.join(0.02)
    assert not events.connected
    events.stop(10.0)
    assert not events._thread.is_alive()


def test_only_json_is_accepted_and_every_wait_is_bounded() -> None:
    app = make_app("redis://broker/0", prefix="shop:")
    assert app.conf.accept_content == ["json"]
    options = app.conf.broker_transport_options
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 5
    assert options["global_keyprefix"] == "shop:"
