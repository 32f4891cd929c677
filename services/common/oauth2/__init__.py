"""OAuth2 client credentials (RFC 6749, 4.4): the keys of `oauth2` in Prometheus' common form, and the tokens."""

from services.common.oauth2.config import OAuth2
from services.common.oauth2.errors import TokenError
from services.common.oauth2.tokens import TokenKeeper, Tokens

__all__ = ["OAuth2", "TokenError", "TokenKeeper", "Tokens"]
