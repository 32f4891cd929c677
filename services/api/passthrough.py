"""What people and providers reach by the API's address and the notifier answers: `/ack/…`, `/hooks/…`, calendar feeds.

These carry their own signatures, so no login stands before them; the notifier checks them.
"""

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from services.api.problem import ProblemError
from services.common.web import Handler

_MAX_BODY = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=15.0)
_PATHS = ("/ack/{rest:.+}", "/hooks/{rest:.+}", "/api/v1/schedules/{name}.ics")
# A cookie or a token of ours is nothing for those handlers; the rest belongs to one connection only.
_KEPT_BACK = frozenset({
    "authorization", "connection", "content-length", "cookie", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
_PASSED = ("Cache-Control", "Content-Security-Policy", "Content-Type", "Referrer-Policy", "X-Content-Type-Options")
log = structlog.get_logger(__name__)


def add_passthrough(app: web.Application, http: aiohttp.ClientSession, notifier_url: str) -> frozenset[Handler]:
    """Serve the notifier's signed paths; return the handlers that need no login."""
    base = notifier_url.rstrip("/")

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        # As it came, since signatures are over the written address.
        url = URL(base + request.raw_path, encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _KEPT_BACK}
        try:
            async with http.request(
                request.method, url, data=body or None, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                kept = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except (TimeoutError, aiohttp.ClientError) as error:
            log.warning("notifier_not_reached", reason=type(error).__name__)
            raise ProblemError(
                502, "notifier-away", "The notifier does not answer.", "Try again in a moment; else look at its log."
            ) from error

    for path in _PATHS:
        app.router.add_get(path, handle, allow_head=False)
        if not path.endswith(".ics"):
            app.router.add_post(path, handle)
    return frozenset({handle})


async def _body(request: web.Request) -> bytes:
    body = await request.content.read(_MAX_BODY + 1)
    while len(body) <= _MAX_BODY and (more := await request.content.read(_MAX_BODY + 1 - len(body))):
        body += more
    if len(body) > _MAX_BODY:
        raise ProblemError(413, "too-large", f"More than {_MAX_BODY} bytes are not passed on.", "Send less.")
    return body
