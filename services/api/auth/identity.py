"""Who makes a request."""

from dataclasses import dataclass
from typing import Literal

from services.api.roles import Role

SESSION_COOKIE = "tocsin_session"
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True)
class Identity:
    """A person with a session, or a program with a token."""

    username: str
    """A token's name stands as `token:<name>`."""
    role: Role
    via: Literal["session", "token"]
    key: bytes
    """Hash of the session's or program's secret."""
    expires_at: float
    """Seconds since the epoch; infinity for a token without an end."""
    csrf_token: str = ""
