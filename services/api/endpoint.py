"""A route as data: who may call it, what it takes, what it answers; and how aiohttp serves it."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.api.auth.identity import Identity
from services.api.context import Api
from services.api.model import Body
from services.api.problem import ProblemError
from services.api.roles import Role, allows

QueryT = TypeVar("QueryT", bound=Body)
BodyT = TypeVar("BodyT", bound=Body)
IDENTITY: web.RequestKey[Identity] = web.RequestKey("identity", Identity)
_COMPRESS_FROM = 1024
_NUL = rb"\u0000"


@dataclass(frozen=True)
class Call(Generic[QueryT, BodyT]):
    """One request, checked: the caller may, and query and body fit."""

    request: web.Request
    query: QueryT
    body: BodyT

    @property
    def identity(self) -> Identity:
        """Who calls; a route that is open to everybody has none."""
        return self.request[IDENTITY]

    @property
    def path(self) -> dict[str, str]:
        """The values of the path's `{names}`."""
        return dict(self.request.match_info)


@dataclass(frozen=True, kw_only=True)
class Route(Generic[QueryT, BodyT]):
    """One endpoint; `role=None` opens it to everybody and stands in full view in its file."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    name: str
    """The OpenAPI operation id."""
    summary: str
    role: Role | None
    handler: Callable[[Api, Call[QueryT, BodyT]], Awaitable[BaseModel | web.StreamResponse]]
    answer: type[BaseModel] | None
    query: type[QueryT]
    body: type[BodyT]
    status: int = 200
    problems: tuple[int, ...] = ()
    """Statuses that it may end with beside those that every endpoint has."""
    raw_body: str = ""
    """The media type of a body that the handler reads itself, as it comes; "": JSON that fits `body`."""
    other_types: tuple[str, ...] = ()
    """Media types that it may answer with beside JSON."""


def add_routes(app: web.Application, api: Api, routes: Iterable[Route[Any, Any]]) -> frozenset[Any]:
    """Serve the routes; return the handlers that are open to everybody."""
    opened = set()
    for route in routes:
        handler = _handler(api, route)
        app.router.add_route(route.method, route.path, handler)
        if route.role is None:
            opened.add(handler)
    return frozenset(opened)


def _handler(api: Api, route: Route[QueryT, BodyT]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if route.role is not None and not allows(request[IDENTITY].role, route.role):
            raise ProblemError(
                403,
                "role-too-low",
                f"This needs the role {route.role}; you have {request[IDENTITY].role}.",
                "Ask an admin for the role, or somebody who has it to do this.",
            )
        query = _validated(route.query, dict(request.query), "query")
        if route.raw_body:
            body = _validated(route.body, {}, "body")
        else:
            body = _validated_body(route.body, await request.read(), request.content_type)
        answer = await route.handler(api, Call(request, query, body))
        if isinstance(answer, web.StreamResponse):
            return answer
        return json_response(answer, request=request, status=route.status)

    return handle


def json_response(answer: BaseModel, *, request: web.Request, status: int = 200) -> web.Response:
    """Return the answer as JSON, compressed when it is large; a GET that has it already gets 304."""
    return bytes_response(answer.model_dump_json().encode(), request=request, status=status)


def bytes_response(payload: bytes, *, request: web.Request, status: int = 200) -> web.Response:
    """Return JSON that is made already; see `json_response`."""
    if request.method != "GET":
        response = web.Response(status=status, body=payload, content_type="application/json", charset="utf-8")
        response.headers["Cache-Control"] = "no-store"
        return response
    tag = hashlib.blake2b(payload, digest_size=16).hexdigest()
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        response = web.Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = web.Response(status=status, body=payload, content_type="application/json", charset="utf-8")
        if len(payload) >= _COMPRESS_FROM:
            response.enable_compression()
    response.headers["ETag"] = f'W/"{tag}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _validated_body(model: type[BodyT], raw: bytes, content_type: str) -> BodyT:
    if not raw:
        return _validated(model, {}, "body")
    if content_type != "application/json":
        # Also keeps out forms, which another site's page may send without asking first.
        raise ProblemError(415, "not-json", "The body is not JSON.", "Send Content-Type: application/json.")
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error, "body") from error
    if _NUL in raw and _holds_nul(body.model_dump(mode="python")):
        # Postgres keeps no such text: an event with it could never be recorded.
        raise ProblemError(400, "invalid-request", "The body has a text with the character NUL.", "Leave it out.")
    return body


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple | set | frozenset) and any(map(_holds_nul, value))


def _validated(model: type[BodyT], data: dict[str, str], where: str) -> BodyT:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _invalid(error, where) from error


def _invalid(error: ValidationError, where: str) -> ProblemError:
    mistakes = [f"{'.'.join(map(str, found['loc'])) or where}: {found['msg']}" for found in error.errors()]
    return ProblemError(
        400, "invalid-request", f"The {where} is not as it should be: {'; '.join(mistakes)}.", "See /api/openapi.json."
    )
