"""The web configuration file in force: read again when it changes, and what it asks of each request."""

import base64
import binascii
import hmac
import math
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from services.collector.webconfig.model import WebConfig, read_web_config
from services.collector.webconfig.passwords import Passwords
from services.collector.webconfig.tls import allowed_by_name, files_of, rotating, server_context
from services.common.clock import Clock
from services.common.config import ConfigError
from services.common.telemetry import Telemetry

log = structlog.get_logger(__name__)
_HEALTH = frozenset({"/-/healthy", "/-/ready"})
_KIND = "web"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebGuard:
    """Holds the newest good content of the file; a bad one is logged, told in a metric, and the old one stays."""

    def __init__(self, path: Path, token: str, telemetry: Telemetry, clock: Clock) -> None:
        self._path, self._token, self._telemetry, self._clock = path, token, telemetry, clock
        self._passwords = Passwords()
        self._tokens, self._filled = math.inf, clock.monotonic()
        self.config = WebConfig()
        self._context: ssl.SSLContext | None = None
        self._seen: tuple[tuple[str, int], ...] = ()
        self._read()

    @property
    def proves_callers(self) -> bool:
        """Whether callers must show a password or a verified certificate."""
        return bool(self.config.basic_auth_users) or self._certificates

    @property
    def _certificates(self) -> bool:
        tls = self.config.tls_server_config
        return tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"

    def server_context(self) -> ssl.SSLContext | None:
        """Return the context to listen with, None for plain HTTP; its certificates follow the files."""
        tls = self.config.tls_server_config
        if tls is None:
            return None
        listening = server_context(tls, self._path.parent)
        rotating(listening, self._newest_context)
        return listening

    def _newest_context(self) -> ssl.SSLContext:
        self.refresh()
        assert self._context is not None  # noqa: S101 - a file that no longer has TLS is refused by `_take`
        return self._context

    def refresh(self) -> None:
        """Read the file again if it or a certificate has changed; a few `stat` calls where not."""
        if self._state() == self._seen:
            return
        try:
            self._read()
            log.info("reloaded", file=str(self._path))
        except ConfigError as error:
            # Told once for each change of the files, not at each request.
            self._seen = self._state()
            self._telemetry.config_reload_success.labels(_KIND).set(0)
            log.warning("reload_failed", file=str(self._path), error=str(error))

    def _read(self) -> None:
        config = read_web_config(self._path)
        tls = config.tls_server_config
        if self._seen and (tls is None) != (self.config.tls_server_config is None):
            raise ConfigError(f"{self._path}:1:1: TLS can't be turned on or off while listening; restart the collector")
        self._context = None if tls is None else server_context(tls, self._path.parent)
        self.config = config
        self._seen = self._state()
        self._telemetry.config_reload_success.labels(_KIND).set(1)
        self._telemetry.config_reload_time.labels(_KIND).set(self._clock.now())

    def _state(self) -> tuple[tuple[str, int], ...]:
        tls = self.config.tls_server_config
        files = [self._path, *([] if tls is None else files_of(tls, self._path.parent))]
        return tuple((str(path), path.stat().st_mtime_ns if path.exists() else 0) for path in files)

    def add_to(self, app: web.Application) -> None:
        """Put the guard before all pages, and its headers on all answers."""
        app.middlewares.insert(0, self._middleware())
        app.on_response_prepare.append(self._headers)

    async def _headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self.config.http_server_config.headers.items():
            if value:
                response.headers[name] = value

    def _middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.refresh()
            if not self._within_rate():
                raise web.HTTPTooManyRequests(text="Too many requests; rate_limit of the web configuration file.\n")
            if request.path in _HEALTH or not self.proves_callers:
                return await handler(request)
            await self._prove(request)
            # Who has proved himself by this file may read all pages, as with every exporter of the toolkit.
            headers = request.headers.copy()
            headers[hdrs.AUTHORIZATION] = f"Bearer {self._token}"
            return await handler(request.clone(headers=headers))

        return guard

    async def _prove(self, request: web.Request) -> None:
        kind, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return
        tls = self.config.tls_server_config
        if tls is not None and tls.client_allowed_sans:
            connection = request.get_extra_info("ssl_object")
            shown = None if connection is None else connection.getpeercert()
            if not allowed_by_name(shown, tls.client_allowed_sans):
                raise web.HTTPForbidden(text="The client certificate has none of the allowed names.\n")
        if not self.config.basic_auth_users:
            return
        user, password = _basic(given) if kind.lower() == "basic" else ("", "")
        if not await self._passwords.right(self.config.basic_auth_users, user, password):
            raise web.HTTPUnauthorized(
                headers={hdrs.WWW_AUTHENTICATE: "Basic"}, text="Show a user of the web configuration file.\n"
            )

    def _within_rate(self) -> bool:
        limit = self.config.rate_limit
        if limit.interval <= 0:
            return True
        now = self._clock.monotonic()
        most = float(max(limit.burst, 1))
        self._tokens = min(most, self._tokens + (now - self._filled) / limit.interval)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _basic(given: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
