"""The HTTP base of every service: health, readiness, metrics, the service token, and listening."""

import errno
import hmac
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client.exposition import choose_encoder

from services.common.clock import Clock
from services.common.config import split_listen
from services.common.telemetry import Telemetry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Readiness = Callable[[], str]
"""Returns "" when the service can do its main job, else what is missing and what to do."""

_HEALTH = frozenset({"/-/healthy", "/-/ready"})
MAX_BODY = 8 * 1024**2
log = structlog.get_logger(__name__)


class PortTakenError(RuntimeError):
    """The address to listen on is in use; the message names the setting that moves it."""


def is_loopback(listen: str) -> bool:
    """Tell whether an address is reachable from this machine only."""
    host, _ = split_listen(listen)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def service_app(
    telemetry: Telemetry,
    clock: Clock,
    ready: Readiness,
    *,
    token: str | None,
    open_paths: Collection[str] = (),
    max_body: int = MAX_BODY,
    metrics_page: Handler | None = None,
) -> web.Application:
    """Return an aiohttp application with `/-/healthy`, `/-/ready` and `/metrics`.

    With a token each request must bear it (`Authorization: Bearer`), but for the health endpoints and for
    `open_paths` (a trailing `/` opens what lies below). `token=None` leaves authentication to the caller (the API has
    users) and is never a default of a setting. `metrics_page` answers `/metrics` in place of the registry alone.
    """
    app = web.Application(
        middlewares=[_measure(telemetry, clock), _require_token(token, frozenset(open_paths))], client_max_size=max_body
    )

    async def healthy(_request: web.Request) -> web.Response:
        return web.Response(text="Healthy.\n")

    async def is_ready(_request: web.Request) -> web.Response:
        missing = ready()
        telemetry.ready.set(0 if missing else 1)
        return web.Response(status=503 if missing else 200, text=f"{missing or 'Ready.'}\n")

    async def metrics(request: web.Request) -> web.Response:
        telemetry.ready.set(0 if ready() else 1)
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        response = web.Response(body=encoder(telemetry.registry), headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/-/ready", is_ready)
    app.router.add_get("/metrics", metrics_page or metrics)
    return app


def _measure(telemetry: Telemetry, clock: Clock) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = clock.monotonic()
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else "unmatched"
            telemetry.http_seconds.labels(route, request.method, str(status)).observe(clock.monotonic() - start)

    return middleware


def _require_token(token: str | None, open_paths: frozenset[str]) -> Middleware:
    below = tuple(path for path in open_paths if path.endswith("/") and path != "/")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is None or request.path in _HEALTH or request.path in open_paths or request.path.startswith(below):
            return await handler(request)
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise web.HTTPUnauthorized(
                headers={"WWW-Authenticate": 'Bearer realm="tocsin"'},
                text="Show the service token: Authorization: Bearer <content of the service_token_file>.\n",
            )
        return await handler(request)

    return middleware


async def serve(
    stack: AsyncExitStack, app: web.Application, listen: str, *, setting: str, tls: ssl.SSLContext | None = None
) -> int:
    """Listen until the stack closes, with `tls` by HTTPS; return the port (the one chosen, where 0 was asked).

    Raises PortTakenError that names the setting; in-flight requests get 5 seconds at the end.
    """
    host, port = split_listen(listen)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"{listen} is taken by another program; set {setting} to a free address") from error
        raise PortTakenError(
            f"can't listen on {listen} ({error.strerror}); set {setting} to another address"
        ) from error
    chosen = int(runner.addresses[0][1])
    log.info("listening", address=f"{host}:{chosen}")
    return chosen
