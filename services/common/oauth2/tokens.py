"""Tokens by client credentials, kept until they end: how Go's clients do it for `oauth2`."""

import asyncio
from pathlib import Path

from services.common.oauth2.answer import read_token
from services.common.oauth2.config import OAuth2
from services.common.oauth2.errors import TokenError
from services.common.oauth2.server import TokenServer

# Whoever refuses each token must not make us ask for one at each request.
_REPLACED_EVERY = 30.0
_TIMEOUT = 10.0


class Tokens:
    """One client's token; several that ask at once wait for one request."""

    def __init__(self, config: OAuth2, base: Path) -> None:
        """`base`: where relative paths start; files are read at each request for a token."""
        self._server = TokenServer(config, base)
        self._value, self._until = "", 0.0
        self._replaced: float | None = None
        self._in_body = False
        self._failures, self._failed = 0, TokenError("answer", "")
        self._lock = asyncio.Lock()

    @property
    def present(self) -> str:
        """The newest token, "" before the first: no error may show it."""
        return self._value.partition(" ")[2]

    async def authorization(self, now: float, *, instead_of: str = "", timeout: float = _TIMEOUT) -> str:  # noqa: ASYNC109 - a part of the caller's
        """Return the header's value, such as `Bearer abc`; raises TokenError within `timeout`, or ConfigError.

        `instead_of`: a value that was refused; the same comes back where it is too early for another. `now` is in
        seconds of any clock, always the same.
        """
        failures = self._failures
        try:
            async with asyncio.timeout(timeout), self._lock:
                if self._usable(now, instead_of):
                    return self._value
                if failures != self._failures:
                    # Who was before us in the queue asked, in vain.
                    raise self._failed.with_traceback(None)
                return await self._renew(now, replaces=bool(instead_of) and instead_of == self._value)
        except TimeoutError as error:
            raise TokenError("timeout", f"{self._server.name} gave no token within {timeout:g} s") from error

    def _usable(self, now: float, instead_of: str) -> bool:
        if not self._value or now >= self._until:
            return False
        just_replaced = self._replaced is not None and now - self._replaced < _REPLACED_EVERY
        return self._value != instead_of or just_replaced

    async def _renew(self, now: float, *, replaces: bool) -> str:
        try:
            self._value, self._until = read_token(await self._fetch(), now, self._server.name)
        except TokenError as error:
            self._failures, self._failed = self._failures + 1, error
            raise
        if replaces:
            self._replaced = now
        return self._value

    async def _fetch(self) -> str:
        try:
            return await self._server.ask(in_body=self._in_body, hide=self.present)
        except TokenError as error:
            # Servers may want the secret in the header or in the form; which, only trying tells.
            if error.reason != "refused":
                raise
        answer = await self._server.ask(in_body=not self._in_body, hide=self.present)
        self._in_body = not self._in_body
        return answer


class TokenKeeper:
    """The tokens of many clients: those with the same keys share one."""

    def __init__(self) -> None:
        self._by_client: dict[tuple[OAuth2, Path], Tokens] = {}

    def of(self, config: OAuth2, base: Path) -> Tokens:
        """Return the client's tokens."""
        return self._by_client.setdefault((config, base), Tokens(config, base))
