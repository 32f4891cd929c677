"""Payments by provider and outcome."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from tocsin_client.registered import once
from tocsin_client.types import Timer

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)


class Outcome(StrEnum):
    """How a payment ended; `declined` is the customer's side, `failed` ours or the provider's."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    TIMEOUT = "timeout"


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.count = Counter(
            "payments_total", "Payments by provider and outcome.", ["provider", "outcome"], registry=registry
        )
        self.seconds = Histogram(
            "payment_duration_seconds",
            "Time a payment took, whatever its outcome.",
            ["provider"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.amount = Counter(
            "payment_amount_minor_units_total",
            "Sum of succeeded payments in the currency's smallest unit; only where the app gives amounts.",
            ["provider", "currency"],
            registry=registry,
        )


class Attempt:
    """One payment under way; what it holds when its block ends is counted."""

    def __init__(self) -> None:
        self.outcome = Outcome.SUCCEEDED
        self.amount: tuple[int, str] | None = None

    def declined(self) -> None:
        """Say that the provider refused the customer's means of payment."""
        self.outcome = Outcome.DECLINED

    def failed(self) -> None:
        """Say that the payment failed without an exception."""
        self.outcome = Outcome.FAILED

    def timed_out(self) -> None:
        """Say that the provider did not answer in time."""
        self.outcome = Outcome.TIMEOUT

    def charged(self, minor_units: int, currency: str) -> None:
        """Give the amount in the currency's smallest unit (cents); counted if the payment succeeds."""
        self.amount = (minor_units, currency)


class Payments:
    """Counters of payments; all outcomes of a named provider start at 0, so that the first failure is a rise."""

    def __init__(
        self, *providers: str, registry: CollectorRegistry = REGISTRY, timer: Timer = time.perf_counter
    ) -> None:
        self._metrics = once(registry, _Metrics)
        self._timer = timer
        for provider in providers:
            self._metrics.seconds.labels(provider)
            for outcome in Outcome:
                self._metrics.count.labels(provider, outcome.value)

    def record(self, provider: str, outcome: Outcome | str, *, seconds: float | None = None) -> None:
        """Count a payment that has ended; raises ValueError for an outcome that is none of `Outcome`."""
        self._metrics.count.labels(provider, Outcome(outcome).value).inc()
        if seconds is not None:
            self._metrics.seconds.labels(provider).observe(seconds)

    @contextmanager
    def attempt(self, provider: str) -> Iterator[Attempt]:
        """Time a payment and count it when the block ends, also in async code.

        TimeoutError (and an HTTP client's `…Timeout`) counts as timeout, any other exception as failed; both go on.
        """
        attempt, start = Attempt(), self._timer()
        try:
            yield attempt
        except BaseException as error:
            late = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
            attempt.outcome = Outcome.TIMEOUT if late else Outcome.FAILED
            raise
        finally:
            self.record(provider, attempt.outcome, seconds=self._timer() - start)
            if attempt.amount is not None and attempt.outcome is Outcome.SUCCEEDED:
                units, currency = attempt.amount
                self._metrics.amount.labels(provider, currency).inc(units)
