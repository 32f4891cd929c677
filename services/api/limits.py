"""Refuses a client's requests beyond its rate, with 429 and when to come again."""

import math

from aiohttp import web

from services.api.auth.client import Network, client_address
from services.api.auth.identity import Identity
from services.api.auth.throttle import client_network
from services.api.metrics import ApiMetrics
from services.api.problem import ProblemError
from services.api.rate import Buckets, RateLimits
from services.common.clock import Clock


class RequestLimit:
    """Counts requests by session or token, and by address those that come without one that holds."""

    def __init__(self, limits: RateLimits, trusted: tuple[Network, ...], clock: Clock, metrics: ApiMetrics) -> None:
        self._known = Buckets(limits.per_second, limits.burst)
        self._strangers = Buckets(limits.anonymous_per_second, limits.anonymous_burst)
        self._trusted, self._clock, self._metrics = trusted, clock, metrics

    def admit(self, identity: Identity) -> None:
        """Count a request of somebody known; raises ProblemError 429."""
        self._refuse("login", self._known.take(identity.key, self._clock.monotonic()))

    def admit_stranger(self, request: web.Request) -> None:
        """Count a request without a login; raises ProblemError 429."""
        self._refuse("address", self._strangers.take(self._address(request), self._clock.monotonic()))

    def check_stranger(self, request: web.Request) -> None:
        """Raise ProblemError 429 when the address has none left, before its login is looked up in Postgres."""
        self._refuse("address", self._strangers.wait(self._address(request), self._clock.monotonic()))

    def _address(self, request: web.Request) -> bytes:
        return client_network(client_address(request, self._trusted)).encode()

    def _refuse(self, by: str, wait: float) -> None:
        if wait <= 0:
            return
        self._metrics.limited.labels(by).inc()
        seconds = math.ceil(wait)
        raise ProblemError(
            429,
            "too-many-requests",
            f"Too many requests of this {by} in a short time.",
            f"Try again in {seconds} s and ask less often; api.rate_limits sets how often.",
            headers={"Retry-After": str(seconds)},
        )
