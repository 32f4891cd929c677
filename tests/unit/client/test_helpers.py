import asyncio

import pytest
from celery import Celery
from celery.signals import before_task_publish
from prometheus_client import CollectorRegistry

from tocsin_client import ActiveSessions, Outcome, Payments, QueryTimer, stamp_sent_at
from tocsin_client.celery_hook import HEADER


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def count(registry: CollectorRegistry, outcome: str) -> float | None:
    return registry.get_sample_value("payments_total", {"provider": "acme", "outcome": outcome})


def test_named_providers_start_at_zero(registry) -> None:
    Payments("acme", registry=registry)
    assert [count(registry, outcome) for outcome in Outcome] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (lambda attempt: None, "succeeded"),
        (lambda attempt: attempt.declined(), "declined"),
        (lambda attempt: attempt.failed(), "failed"),
        (lambda attempt: attempt.timed_out(), "timeout"),
    ],
)
def test_attempts_by_outcome(registry, act, outcome: str) -> None:
    timer = Timer()
    payments = Payments(registry=registry, timer=timer)
    with payments.attempt("acme") as attempt:
        timer.now = 2.0
        attempt.charged(1999, "EUR")
        act(attempt)
    assert count(registry, outcome) == 1
    assert registry.get_sample_value("payment_duration_seconds_sum", {"provider": "acme"}) == 2
    amount = registry.get_sample_value("payment_amount_minor_units_total", {"provider": "acme", "currency": "EUR"})
    assert amount == (1999 if outcome == "succeeded" else None)


class ReadTimeout(Exception):  # noqa: N818 - httpx' own name
    pass


@pytest.mark.parametrize(
    ("error", "outcome"), [(TimeoutError(), "timeout"), (ReadTimeout(), "timeout"), (OSError(), "failed")]
)
def test_exceptions_are_counted_and_go_on(registry, error: Exception, outcome: str) -> None:
    with pytest.raises(type(error)), Payments(registry=registry).attempt("acme"):
        raise error
    assert count(registry, outcome) == 1


def test_an_unknown_outcome_is_refused(registry) -> None:
    with pytest.raises(ValueError, match="maybe"):
        Payments(registry=registry).record("acme", "maybe")


def seconds(registry: CollectorRegistry, operation: str, error_type: str = "") -> float | None:
    labels = {"db_system_name": "postgresql", "db_operation_name": operation, "error_type": error_type}
    return registry.get_sample_value("db_client_operation_duration_seconds_sum", labels)


async def test_queries_are_timed_as_block_function_and_coroutine(registry) -> None:
    timer = Timer()
    queries = QueryTimer(registry=registry, timer=timer)
    with queries("SELECT"):
        timer.now += 1

    @queries.timed("INSERT")
    def insert(value: int) -> int:
        timer.now += 2
        return value

    @queries.timed("UPDATE")
    async def update(value: int) -> int:
        await asyncio.sleep(0)
        timer.now += 4
        return value

    assert insert(3) == 3
    assert await update(5) == 5
    assert update.__name__ == "update"
    assert [seconds(registry, name) for name in ("SELECT", "INSERT", "UPDATE")] == [1, 2, 4]
    queries.observe("COPY", 8.0)
    assert seconds(registry, "COPY") == 8


def test_a_failing_query_keeps_its_errors_name(registry) -> None:
    queries = QueryTimer(registry=registry, timer=Timer())
    with pytest.raises(LookupError), queries("SELECT"):
        raise LookupError
    assert seconds(registry, "SELECT") is None
    assert seconds(registry, "SELECT", "LookupError") == 0


def test_sessions_within_the_window(registry) -> None:
    timer = Timer()
    sessions = ActiveSessions(window=60, limit=3, registry=registry, timer=timer)
    for number in range(5):
        sessions.seen(number)
    assert registry.get_sample_value("app_sessions_active") == 3, "the memory is bounded"
    sessions.ended(4)
    sessions.ended("unknown")
    assert sessions.count() == 2
    timer.now = 50
    sessions.seen(3)
    timer.now = 100
    assert registry.get_sample_value("app_sessions_active") == 1
    timer.now = 200
    assert sessions.count() == 0


def test_messages_carry_when_they_were_sent() -> None:
    # The demo's tests in this process have the stamp on already.
    before_task_publish.disconnect(dispatch_uid="tocsin-sent-at")
    stamp = stamp_sent_at(now=lambda: 12.5)
    app = Celery("t", broker="memory://", set_as_current=False)
    try:
        seen = []

        def keep(headers: dict[str, object] | None = None, **_: object) -> None:
            seen.append((headers or {}).get(HEADER))

        before_task_publish.connect(keep, weak=False)
        try:
            app.send_task("x")
        finally:
            before_task_publish.disconnect(keep)
        assert seen == [12.5]
        stamp(headers=None)
    finally:
        before_task_publish.disconnect(stamp, dispatch_uid="tocsin-sent-at")
        app.close()
