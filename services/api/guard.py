"""What stands before every request: request id, errors as problems, who asks, same origin, security headers."""

import hmac
import re
import uuid
from typing import Any

import asyncpg
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from services.api.auth.authenticator import Authenticator
from services.api.auth.client import same_origin
from services.api.auth.identity import CSRF_HEADER, Identity
from services.api.endpoint import IDENTITY
from services.api.limits import RequestLimit
from services.api.problem import ProblemError, from_http_error, storage_away
from services.common.storage import StorageUnavailableError
from services.common.web import Handler

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REQUEST_KEY: web.RequestKey[str] = web.RequestKey("request_id", str)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
log = structlog.get_logger(__name__)


def add_guard(
    app: web.Application,
    authenticator: Authenticator,
    limit: RequestLimit,
    opened: frozenset[Any],
    *,
    external_url: str,
    https: bool,
    open_metrics: bool,
) -> None:
    """Put the guard before all handlers of the application; `opened` are the only ones without a login."""
    app.middlewares.append(_name_request)
    app.middlewares.append(_problems)
    app.middlewares.append(_authenticate(authenticator, limit, opened, external_url, open_metrics=open_metrics))

    async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            # A page that is passed through brings its own policy.
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = request.get(_REQUEST_KEY, "")
        if https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")

    app.on_response_prepare.append(set_headers)


@web.middleware
async def _name_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    given = request.headers.get("X-Request-Id", "")
    request[_REQUEST_KEY] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(request_id=request[_REQUEST_KEY]):
        return await handler(request)


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        return from_http_error(error).response()
    except Exception as error:
        # The border of a request: its error must neither end the connection unseen nor show its inside.
        problem = _known_problem(error)
        if problem is None:
            log.exception(
                "request_failed", path=_shown_path(request), method=request.method, reason=type(error).__name__
            )
            problem = ProblemError(
                500,
                "internal-error",
                "The request failed for a reason that is ours.",
                f"Look in the API's log for request {request[_REQUEST_KEY]}, and report it.",
            )
        return problem.response()


def _shown_path(request: web.Request) -> str:
    # What stands below /ping/ is a secret.
    return "/ping/…" if request.path.startswith("/ping/") else request.path


def _known_problem(error: Exception) -> ProblemError | None:
    match error:
        case ProblemError():
            return error
        case StorageUnavailableError():
            return storage_away("The record can't be used")
        case asyncpg.DataError():
            return ProblemError(400, "invalid-request", f"A value can't be looked up: {error}.", "Correct it.")
        case asyncpg.UndefinedTableError():
            return ProblemError(
                503, "not-migrated", "The database has no tables yet.", "Run `tocsin migrate --config FILE`."
            )
    return None


def _authenticate(
    authenticator: Authenticator,
    limit: RequestLimit,
    opened: frozenset[Any],
    external_url: str,
    *,
    open_metrics: bool,
) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/metrics":
            if not open_metrics and not authenticator.is_service(request):
                request[IDENTITY] = await _somebody(authenticator, limit, request)
            return await handler(request)
        if request.path.startswith("/ping/"):
            limit.admit_stranger(request)
        if not request.path.startswith("/api/") and request.path != "/api":
            return await handler(request)
        if request.method not in _SAFE and "Origin" in request.headers and not same_origin(request, external_url):
            raise ProblemError(
                403, "other-origin", "The request comes from another site's page.", "Use the page at the external_url."
            )
        if request.match_info.handler in opened:
            limit.admit_stranger(request)
        else:
            identity = await _somebody(authenticator, limit, request)
            _check_csrf(request, identity)
            request[IDENTITY] = identity
        return await handler(request)

    return middleware


async def _somebody(authenticator: Authenticator, limit: RequestLimit, request: web.Request) -> Identity:
    if not authenticator.remembers(request):
        limit.check_stranger(request)
    identity = await authenticator.identify(request)
    if identity is None:
        limit.admit_stranger(request)
        raise ProblemError(
            401,
            "not-logged-in",
            "You are not logged in, or the login ended.",
            "Log in by POST /api/auth/login, or send Authorization: Bearer <token>.",
            headers={"WWW-Authenticate": 'Bearer realm="tocsin"'},
        )
    limit.admit(identity)
    return identity


def _check_csrf(request: web.Request, identity: Identity) -> None:
    if request.method in _SAFE or identity.via == "token":
        return
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), identity.csrf_token.encode()):
        raise ProblemError(
            403, "csrf", f"The header {CSRF_HEADER} is missing or wrong.", "Take csrf_token from GET /api/auth/me."
        )
