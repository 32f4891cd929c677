"""A login by the provider from its beginning to the session."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog

from services.api.auth.identity import Identity
from services.api.auth.store import AuthStore
from services.api.metrics import ApiMetrics
from services.api.oidc.attempt import Attempt, Return, resume, start
from services.api.oidc.claims import UnknownKeyError, check_id_token, lacks, person_of
from services.api.oidc.config import OidcConfig
from services.api.oidc.error import OidcError
from services.api.oidc.provider import Provider
from services.api.oidc.store import OidcUsers
from services.common.clock import Clock
from services.common.config import ConfigError, read_secret

CALLBACK = "/api/auth/oidc/callback"
log = structlog.get_logger(__name__)


class OidcLogin:
    """Every method raises OidcError with why it does not go on."""

    def __init__(
        self,
        config: OidcConfig,
        provider: Provider,
        users: OidcUsers,
        sessions: AuthStore,
        clock: Clock,
        metrics: ApiMetrics,
        external_url: str,
    ) -> None:
        self.config = config
        self._provider, self._users, self._sessions = provider, users, sessions
        self._clock, self._metrics = clock, metrics
        self._external_url = external_url.rstrip("/")

    async def begin(self, where: str) -> tuple[Attempt, str]:
        """Return a login to keep in the browser, and the address at the provider to send it to."""
        endpoint = (await self._provider.metadata()).authorization_endpoint
        attempt = start(where, self._clock.now())
        return attempt, attempt.url(endpoint, self.config, self._external_url + CALLBACK)

    async def finish(self, cookie: str, back: Return) -> tuple[str, Identity, str]:
        """Return a session's secret, who it is of, and where to go on; raises StorageUnavailableError too."""
        attempt = resume(cookie, back, self.config.issuer, self._clock.now())
        tokens = await self._provider.exchange(back.code, attempt.verifier, self._external_url + CALLBACK)
        claims = await self._checked(tokens, attempt.nonce)
        if lacks(claims, self.config):
            claims = {**await self._provider.userinfo(tokens["access_token"], claims["sub"]), **claims}
        user = await self._users.admit(person_of(claims, self.config))
        secret, identity = await self._sessions.start_session(user)
        self._metrics.logins.labels("accepted_by_provider").inc()
        return secret, identity, attempt.next

    async def _checked(self, tokens: dict[str, str], nonce: str) -> dict[str, Any]:
        for anew in (False, True):
            keys = await self._provider.keys(anew=anew)
            try:
                return check_id_token(
                    tokens["id_token"],
                    keys,
                    self.config,
                    nonce=nonce,
                    access_token=tokens["access_token"],
                    now=self._clock.now(),
                )
            except UnknownKeyError as error:
                unknown = error
        raise OidcError("token", f"the ID token is signed by a key that the provider does not publish: {unknown}")

    def failed(self, error: OidcError) -> str:
        """Tell a login's failure and return the page's address that shows it."""
        self._metrics.logins.labels(f"provider_{error.reason}").inc()
        log.warning("oidc_login_failed", reason=error.reason, error=str(error))
        return f"/?{urlencode({'login': error.reason})}"

    async def logout_url(self, username: str) -> str:
        """Return where to log out at the provider too, "" where that is not wanted or not possible."""
        if not self.config.logout_at_provider or not await self._users.is_theirs(username):
            return ""
        try:
            endpoint = (await self._provider.metadata()).end_session_endpoint
        except OidcError as error:
            # The session here has ended all the same.
            log.warning("oidc_logout_failed", reason=error.reason, error=str(error))
            return ""
        query = {"client_id": self.config.client_id, "post_logout_redirect_uri": f"{self._external_url}/"}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}" if endpoint else ""


def open_provider(config: OidcConfig, base: Path, clock: Clock) -> Provider:
    """Return the provider of the configuration; raises ConfigError for files that can't be read."""
    secret_file = None if config.client_secret_file is None else base / config.client_secret_file
    secret = read_secret(config.client_secret, secret_file) or ""
    ca_file = None if config.ca_file is None else str(base / config.ca_file)
    try:
        tls = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"api.oidc.ca_file: {ca_file} can't be used: {error}") from error
    return Provider(config, secret, tls, clock)
