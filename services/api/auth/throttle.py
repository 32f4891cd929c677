"""Login throttling: sliding windows of failures, pure."""

import ipaddress
from collections import OrderedDict, deque
from typing import TypeAlias

from services.common.config import StrictModel

_KEYS = 20_000
Key: TypeAlias = tuple[str, str]


class ThrottleLimits(StrictModel):
    """How many logins may fail within the window before more are refused."""

    window_seconds: float = 300.0
    per_user_and_client: int = 5
    per_client: int = 30
    per_user: int = 60
    """Above the others by far: a stranger must not be able to lock a user out from a single address."""


class LoginThrottle:
    """Counts an attempt before its password is checked, so that many at once gain nothing."""

    def __init__(self, limits: ThrottleLimits) -> None:
        self._limits = limits
        self._failures: OrderedDict[Key, deque[float]] = OrderedDict()

    def attempt(self, username: str, client: str, now: float) -> float:
        """Count one attempt and return 0; or, when there were too many, the seconds to wait (and count nothing)."""
        wait = 0.0
        for key, limit in self._keys(username, client):
            recent = self._recent(key, now)
            if len(recent) >= limit:
                wait = max(wait, recent[-limit] + self._limits.window_seconds - now)
        if wait > 0:
            return wait
        for key, _ in self._keys(username, client):
            self._failures.setdefault(key, deque()).append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > _KEYS:
            self._failures.popitem(last=False)
        return 0.0

    def succeeded(self, username: str, client: str) -> None:
        """Take back the counted attempt, and forgive this user's failures from this client."""
        (own, _), *others = self._keys(username, client)
        self._failures.pop(own, None)
        for key, _ in others:
            if recent := self._failures.get(key):
                recent.pop()

    def _recent(self, key: Key, now: float) -> deque[float]:
        recent = self._failures.get(key, deque())
        while recent and recent[0] <= now - self._limits.window_seconds:
            recent.popleft()
        return recent

    def _keys(self, username: str, client: str) -> list[tuple[Key, int]]:
        network = client_network(client)
        return [
            ((username, network), self._limits.per_user_and_client),
            (("", network), self._limits.per_client),
            ((username, ""), self._limits.per_user),
        ]


def client_network(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 one, which one household owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
