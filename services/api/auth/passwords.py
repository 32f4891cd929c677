"""Password hashes (argon2id, the low-memory profile of RFC 9106)."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 256
_HASHER = PasswordHasher()
# Each check takes 64 MiB and a core for a moment: more than two at once would let a flood of logins starve the rest.
_AT_ONCE = 2
# Random per process and of no user: checking it takes as long as checking a real one, so time tells no usernames.
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Return the hash to store; takes some tens of milliseconds."""
    return _HASHER.hash(password)


def needs_rehash(stored: str) -> bool:
    """Tell whether a stored hash was made with older parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def check_new_password(username: str, password: str) -> str:
    """Return why a new password is refused, "" when it is good (length as NIST SP 800-63B asks, no composition)."""
    if len(password) < MIN_LENGTH:
        return f"the password has {len(password)} characters; choose at least {MIN_LENGTH}"
    if len(password) > MAX_LENGTH:
        return f"the password has {len(password)} characters; choose at most {MAX_LENGTH}"
    if username.lower() in password.lower() and len(password) < len(username) + MIN_LENGTH:
        return "the password is hardly more than the username; choose another"
    return ""


class PasswordChecker:
    """Checks passwords in threads, few at once."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def check(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is the one behind the hash; without a hash as slow, and False."""
        async with self._slots:
            return await asyncio.to_thread(_verify, stored, password)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _HASHER.verify(stored or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
