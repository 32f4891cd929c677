"""Passwords against bcrypt hashes, off the event loop, successes remembered."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt
from pydantic import SecretStr

_MAX_REMEMBERED = 100
# bcrypt reads no further; what follows never counted, and the library refuses it.
_MAX_PASSWORD = 72
# Of a password that nobody knows: an unknown user takes as long as a known one.
_NOBODY = b"$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


class Passwords:
    """Checks users; at most one hash is computed at a time, so that guessing can't take the machine."""

    def __init__(self) -> None:
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._one = asyncio.Lock()

    async def right(self, users: Mapping[str, SecretStr], user: str, password: str) -> bool:
        """Tell whether the user's password is right."""
        known = users.get(user)
        stored = _NOBODY if known is None else known.get_secret_value().encode()
        key = hashlib.sha256(b"\0".join((user.encode(), stored, password.encode()))).digest()
        if key in self._good:
            self._good.move_to_end(key)
            return True
        async with self._one:
            same = await asyncio.to_thread(bcrypt.checkpw, password.encode()[:_MAX_PASSWORD], stored)
        if not same or known is None:
            return False
        self._good[key] = None
        if len(self._good) > _MAX_REMEMBERED:
            self._good.popitem(last=False)
        return True
