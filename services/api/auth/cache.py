"""Checked identities, kept for a moment, and for longer while Postgres is away."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.api.auth.identity import Identity
from services.common.clock import Clock
from services.common.storage import StorageUnavailableError

FRESH = 10.0
"""Seconds in which another copy's logout or revocation comes into force here."""
GRACE = 3600.0
"""Seconds that somebody already logged in stays so while Postgres is away: they must be able to acknowledge."""
_AWAY_PAUSE = 2.0
_SIZE = 10_000


@dataclass(frozen=True)
class _Checked:
    identity: Identity
    at: float


class IdentityCache:
    """Answers from memory while an answer is fresh; never keeps a refusal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[bytes, _Checked] = OrderedDict()
        self._away_until = float("-inf")

    async def get(self, key: bytes, look_up: Callable[[], Awaitable[Identity | None]]) -> Identity | None:
        """Return the identity behind a key; raises StorageUnavailableError when nothing is known of it."""
        now = self._clock.monotonic()
        known = self._known.get(key)
        if known is not None and known.identity.expires_at <= self._clock.now():
            self.forget(key)
            known = None
        if known is not None and (now - known.at < FRESH or (now < self._away_until and now - known.at < GRACE)):
            return known.identity
        try:
            found = await look_up()
        except StorageUnavailableError:
            # The next requests of this moment don't wait for the same time-out.
            self._away_until = self._clock.monotonic() + _AWAY_PAUSE
            if known is not None and now - known.at < GRACE:
                return known.identity
            raise
        self.forget(key)
        if found is not None:
            self._known[key] = _Checked(found, now)
            if len(self._known) > _SIZE:
                self._known.popitem(last=False)
        return found

    def __contains__(self, key: bytes) -> bool:
        return key in self._known

    def forget(self, key: bytes) -> None:
        """Look it up again next time."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Look everybody up again."""
        self._known.clear()
