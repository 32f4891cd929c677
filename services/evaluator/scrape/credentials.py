"""The headers that prove who we are, with a token where `oauth2` asks for one."""

from pathlib import Path

from services.common.clock import Clock
from services.common.config import ConfigError
from services.common.oauth2 import TokenError, Tokens
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.http_settings import HttpSettings

UNAUTHORISED = 401
_NAME = "Authorization"


class Credentials:
    """One client's; raises ConfigError for TLS files of the token's server that can't be used."""

    def __init__(self, config: HttpSettings, base: Path, clock: Clock) -> None:
        self._config, self._base, self._clock = config, base, clock
        self._tokens: Tokens | None = None
        if config.oauth2 is not None:
            config.oauth2.check(base)
            self._tokens = Tokens(config.oauth2, base)

    async def headers(self, seconds: float) -> dict[str, str]:
        """Return the headers; raises TokenError after so many seconds, ConfigError when a file can't be read."""
        found = self._config.headers(self._base)
        if self._tokens is not None:
            found[_NAME] = await self._tokens.authorization(self._clock.monotonic(), timeout=seconds)
        return found

    async def renewed(self, refused: dict[str, str], seconds: float) -> dict[str, str] | None:
        """Return other headers after a 401, None where there are none; raises as `headers`."""
        if self._tokens is None or _NAME not in refused:
            return None
        now, old = self._clock.monotonic(), refused[_NAME]
        new = await self._tokens.authorization(now, instead_of=old, timeout=seconds)
        return {**refused, _NAME: new} if new != old else None


class ScrapeCredentials(Credentials):
    """The same for scrapes: raises ScrapeError."""

    async def headers(self, seconds: float) -> dict[str, str]:
        """Return the headers; raises ScrapeError, after so many seconds at the latest."""
        try:
            return await super().headers(seconds)
        except (ConfigError, TokenError) as error:
            raise ScrapeError("credentials", str(error)) from error

    async def renewed(self, refused: dict[str, str], seconds: float) -> dict[str, str] | None:
        """Return other headers after a 401, None where there are none; raises ScrapeError."""
        try:
            return await super().renewed(refused, seconds)
        except (ConfigError, TokenError) as error:
            raise ScrapeError("credentials", str(error)) from error
