"""Reports of jobs: open to whoever knows the key, which is the secret of the address."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.api.checks.model import PingKind
from services.api.checks.store import Report
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError
from services.common.tokens import hash_token

LOG_BYTES = 10_000
_LARGEST = 1024**2
_MAX_CODE_DIGITS = 3
_KINDS: dict[str, PingKind] = {"start": "start", "fail": "fail", "log": "log"}
Handler = Callable[[Api, Call[Nothing, Nothing]], Awaitable[web.StreamResponse]]


async def _ping(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    return await _take(api, call, "success")


async def _ping_kind(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    return await _take(api, call, _kind(call.path["kind"]))


def _kind(text: str) -> PingKind:
    if text in _KINDS:
        return _KINDS[text]
    if text.isascii() and text.isdigit() and len(text) <= _MAX_CODE_DIGITS:
        # A shell's exit code: `curl …/ping/KEY/$?`.
        return "success" if int(text) == 0 else "fail"
    raise ProblemError(
        404,
        "unknown-report",
        "There is no such report.",
        "Use /start, /fail, /log, an exit code, or nothing (success).",
    )


async def _take(api: Api, call: Call[Nothing, Nothing], kind: PingKind) -> web.StreamResponse:
    text = (await _beginning(call.request)).decode("utf-8", "replace").replace("\x00", "\ufffd")
    report = Report(hash_token(call.path["key"]), api.clock.now(), kind, text)
    if not await api.checks.take(report):
        raise ProblemError(404, "unknown-check", "No check has this key.", "Take the address of the check anew.")
    return web.Response(text="OK\n", headers={"Cache-Control": "no-store"})


async def _beginning(request: web.Request) -> bytes:
    """Return the first 10 kB; the rest is read and dropped, as a long log must not make the report fail."""
    kept, seen = bytearray(), 0
    async for chunk in request.content.iter_chunked(65_536):
        seen += len(chunk)
        if seen > _LARGEST:
            raise ProblemError(413, "too-large", "The log is larger than 1 MiB.", "Send the end of it.")
        kept += chunk[: LOG_BYTES - len(kept)]
    return bytes(kept)


def _route(method: str, path: str, name: str, summary: str, handler: Handler) -> Route[Nothing, Nothing]:
    return Route(
        method="POST" if method == "POST" else "GET",
        path=path,
        name=name,
        summary=summary,
        role=None,
        handler=handler,
        answer=None,
        query=Nothing,
        body=Nothing,
        raw_body="text/plain",
        other_types=("text/plain",),
        problems=(404, 413, 503),
    )


ROUTES = (
    _route("POST", "/ping/{key}", "ping", "Report a job's success; a body is kept as its log (10 kB)", _ping),
    _route("GET", "/ping/{key}", "pingByGet", "Report a job's success", _ping),
    _route(
        "POST", "/ping/{key}/{kind}", "pingKind", "Report start, fail, log or an exit code; a body is kept", _ping_kind
    ),
    _route("GET", "/ping/{key}/{kind}", "pingKindByGet", "Report start, fail, log or an exit code", _ping_kind),
)
