"""From a request's cookie or bearer token to who makes it; logging in and out."""

import hmac
from typing import Literal

from aiohttp import web

from services.api.auth.cache import IdentityCache
from services.api.auth.identity import SESSION_COOKIE, Identity
from services.api.auth.passwords import PasswordChecker, hash_password, needs_rehash
from services.api.auth.store import AuthStore
from services.api.auth.throttle import LoginThrottle
from services.api.metrics import ApiMetrics
from services.api.problem import ProblemError, storage_away
from services.common.clock import Clock
from services.common.storage import StorageUnavailableError
from services.common.tokens import hash_token

_MAX_SECRET = 200


def _shown(request: web.Request) -> tuple[Literal["session", "token"], bytes]:
    """Return what the request shows, a token before a session, and the hash of it; b"": neither."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return "token", hash_token(token.strip()[:_MAX_SECRET])
    secret = request.cookies.get(SESSION_COOKIE, "")
    return "session", hash_token(secret[:_MAX_SECRET]) if secret else b""


class Authenticator:
    """Checks sessions and tokens (kept for a moment in memory) and passwords (throttled)."""

    def __init__(
        self,
        store: AuthStore,
        throttle: LoginThrottle,
        clock: Clock,
        metrics: ApiMetrics,
        service_token: str,
        *,
        local_logins: tuple[str, ...] | None = None,
    ) -> None:
        self._store, self._throttle, self._clock, self._metrics = store, throttle, clock, metrics
        self._service_token, self._local_logins = service_token, local_logins
        self._cache = IdentityCache(clock)
        self._passwords = PasswordChecker()

    async def identify(self, request: web.Request) -> Identity | None:
        """Return who makes the request, None when nobody that we know; raises ProblemError (503) when unknowable."""
        via, key = _shown(request)
        if not key:
            return None
        look_up = self._store.find_token if via == "token" else self._store.find_session
        try:
            return await self._cache.get(key, lambda: look_up(key))
        except StorageUnavailableError as error:
            raise storage_away("The login can't be checked") from error

    def remembers(self, request: web.Request) -> bool:
        """Tell whether the request's session or token held when it was looked up last."""
        return _shown(request)[1] in self._cache

    async def still_valid(self, identity: Identity) -> bool:
        """Tell whether a session or token that was good is so still; True while Postgres is away (bounded)."""
        look_up = self._store.find_session if identity.via == "session" else self._store.find_token
        try:
            return await self._cache.get(identity.key, lambda: look_up(identity.key)) is not None
        except StorageUnavailableError:
            return False

    def is_service(self, request: web.Request) -> bool:
        """Tell whether the request bears the service token that Tocsin's own programs share."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._service_token.encode())

    async def check_password(self, username: str, password: str, client: str) -> None:
        """Check a password that somebody logged in gives again, throttled as logins; raises ProblemError 403 or 429."""
        self._count(username, client)
        row = await self._store.login_row(username)
        if not await self._passwords.check(None if row is None else row["password_hash"], password):
            raise ProblemError(403, "wrong-password", "The current password is wrong.", "Try again.")
        self._throttle.succeeded(username, client)

    async def log_in(self, username: str, password: str, client: str) -> tuple[str, Identity]:
        """Return a new session's secret and identity; raises ProblemError 401, 403, 429 or 503."""
        if self._local_logins is not None and username not in self._local_logins:
            self._metrics.logins.labels("local_off").inc()
            raise ProblemError(
                403,
                "password-login-off",
                "Nobody logs in by a password here but those named in api.local_logins.",
                "Use the provider's button on the login page.",
            )
        self._count(username, client)
        try:
            return await self._check(username, password, client)
        except StorageUnavailableError as error:
            # Nobody guessed a password: the attempt does not count.
            self._throttle.succeeded(username, client)
            raise storage_away("Nobody can log in now") from error

    def _count(self, username: str, client: str) -> None:
        wait = self._throttle.attempt(username, client, self._clock.monotonic())
        if wait > 0:
            self._metrics.logins.labels("throttled").inc()
            raise ProblemError(
                429,
                "too-many-logins",
                "Too many logins failed for this name or from this address.",
                f"Try again in {wait:.0f} s; an admin sets a new password by `tocsin user passwd`.",
                headers={"Retry-After": str(round(wait + 0.5))},
            )

    async def _check(self, username: str, password: str, client: str) -> tuple[str, Identity]:
        row = await self._store.login_row(username)
        stored = None if row is None else row["password_hash"]
        if not await self._passwords.check(stored, password) or row is None:
            self._metrics.logins.labels("refused").inc()
            raise ProblemError(
                401, "wrong-login", "Username or password is wrong.", "Try again, or ask an admin for a new password."
            )
        if needs_rehash(row["password_hash"]):
            await self._store.store_rehash(row["id"], hash_password(password))
        secret, identity = await self._store.start_session(row)
        self._throttle.succeeded(username, client)
        self._metrics.logins.labels("accepted").inc()
        return secret, identity

    async def log_out(self, identity: Identity) -> None:
        """End the session here at once, in other copies within moments; raises StorageUnavailableError."""
        await self._store.end_session(identity)
        self._cache.forget(identity.key)

    def forget(self, key: bytes) -> None:
        """Check a session or token anew at its next request."""
        self._cache.forget(key)

    def forget_all(self) -> None:
        """Check everybody anew."""
        self._cache.clear()
