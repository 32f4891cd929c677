"""What a token's server answers (RFC 6749, 5.1 and 5.2)."""

from typing import Any
from urllib.parse import parse_qsl

import orjson

from services.common.oauth2.errors import TokenError

# A token that ends on the way is no token; Go takes ten seconds, too.
_EARLY = 10.0
_FOREVER = float("inf")
_NOT_LET_IN = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope", "access_denied"})
_CODES = frozenset({401, 403})
_USUAL = "Bearer"


def read_token(text: str, now: float, server: str) -> tuple[str, float]:
    """Return the header's value and until when to use it; raises TokenError."""
    found = _fields(text)
    token, kind, lasts = found.get("access_token"), found.get("token_type") or _USUAL, found.get("expires_in")
    if not isinstance(token, str) or not token:
        raise TokenError("answer", f"{server} answered without access_token")
    if not isinstance(kind, str) or not all(part.isascii() and part.isprintable() for part in (token, kind)):
        raise TokenError("answer", f"{server} gave a token that no header can carry")
    try:
        seconds = float(lasts) if lasts else _FOREVER
    except (TypeError, ValueError):
        seconds = _FOREVER
    return f"{_USUAL if kind.lower() == 'bearer' else kind} {token}", now + max(0.0, seconds - _EARLY)


def not_let_in(status: int, text: str) -> bool:
    """Tell whether an answer refuses who we are, or what we may have."""
    return status in _CODES or any(word in text for word in _NOT_LET_IN)


def _fields(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Some servers answer with a form.
        return dict(parse_qsl(text))
    return found if isinstance(found, dict) else {}
