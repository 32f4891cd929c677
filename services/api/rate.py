"""How many requests a client may make: token buckets, pure (time is an argument)."""

from collections import OrderedDict
from dataclasses import dataclass

from pydantic import Field

from services.common.config import StrictModel

_KEYS = 20_000
_ENOUGH = 1 - 1e-6
"""What counts as a whole request: sums of fractions fall short of one by their rounding."""


class RateLimits(StrictModel):
    """Requests to the API; a client has `burst` at once and gets `per_second` back; 0 per second: no limit."""

    per_second: float = Field(default=100.0, ge=0)
    """For each login's session and each token."""
    burst: int = Field(default=500, ge=1)
    anonymous_per_second: float = Field(default=20.0, ge=0)
    """For each address, all its requests without a login that holds, and the reports of jobs."""
    anonymous_burst: int = Field(default=200, ge=1)


@dataclass
class _Bucket:
    left: float
    at: float


class Buckets:
    """A bucket for each client, filled at a rate (a second) up to a burst; those unused longest are dropped."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._rate, self._burst = per_second, float(burst)
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def wait(self, key: bytes, now: float) -> float:
        """Return 0 when the client may make a request, else the seconds until it may; counts nothing."""
        bucket = self._buckets.get(key)
        if self._rate == 0 or bucket is None:
            return 0.0
        self._fill(bucket, now)
        return 0.0 if bucket.left >= _ENOUGH else (1 - bucket.left) / self._rate

    def take(self, key: bytes, now: float) -> float:
        """Count a request and return 0; or, when there were too many, the seconds to wait, and count nothing."""
        if self._rate == 0:
            return 0.0
        wait = self.wait(key, now)
        if wait > 0:
            return wait
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        self._buckets.move_to_end(key)
        bucket.left -= 1
        if len(self._buckets) > _KEYS:
            self._buckets.popitem(last=False)
        return 0.0

    def _fill(self, bucket: _Bucket, now: float) -> None:
        bucket.left = min(self._burst, bucket.left + max(0.0, now - bucket.at) * self._rate)
        bucket.at = now
