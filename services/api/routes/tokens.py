"""Bearer tokens for programs."""

from aiohttp import web
from pydantic import Field

from services.api.auth.store import NameTakenError
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Answer, Body, Nothing
from services.api.problem import ProblemError
from services.api.roles import Role

_DAY = 86_400.0
_MAX_ID_DIGITS = 18


class TokenBody(Body):
    """What the new token may do, and for how long."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@ +-]+$")
    role: Role
    expires_in_days: float | None = Field(default=None, gt=0, le=3650)
    """Null: until it is revoked."""


class Token(Answer):
    """One token in force, without its secret."""

    id: int
    name: str
    role: Role
    created_by: str
    created_at: float
    expires_at: float | None
    last_used_at: float | None


class NewToken(Token):
    """A token just made: `token` is shown this once."""

    token: str


class Tokens(Answer):
    """All tokens in force, by name."""

    tokens: list[Token]


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> Tokens:
    return Tokens(tokens=[Token.model_validate(dict(row)) for row in await api.auth_store.list_tokens()])


async def _create(api: Api, call: Call[Nothing, TokenBody]) -> NewToken:
    body, now = call.body, api.clock.now()
    expires_at = None if body.expires_in_days is None else now + body.expires_in_days * _DAY
    by = call.identity.username
    try:
        token_id, secret = await api.auth_store.create_token(body.name, body.role, by, expires_at)
    except NameTakenError as error:
        raise ProblemError(
            409, "name-taken", f"A token named {body.name!r} is in force.", "Take another name, or revoke it first."
        ) from error
    return NewToken(
        id=token_id,
        name=body.name,
        role=body.role,
        created_by=by,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        token=secret,
    )


async def _revoke(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    text = call.path["id"]
    valid = text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS
    key = await api.auth_store.revoke_token(int(text), call.identity.username) if valid else None
    if key is None:
        raise ProblemError(404, "unknown-token", "No such token is in force.", "See GET /api/admin/tokens.")
    api.authenticator.forget(key)
    api.hub.end_session(key)
    return web.Response(status=204)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/tokens",
        name="listTokens",
        summary="All tokens in force, without their secrets",
        role="admin",
        handler=_list,
        answer=Tokens,
        query=Nothing,
        body=Nothing,
        problems=(503,),
    ),
    Route(
        method="POST",
        path="/api/admin/tokens",
        name="createToken",
        summary="Make a token; its secret is shown this once",
        role="admin",
        handler=_create,
        answer=NewToken,
        query=Nothing,
        body=TokenBody,
        status=201,
        problems=(409, 503),
    ),
    Route(
        method="DELETE",
        path="/api/admin/tokens/{id}",
        name="revokeToken",
        summary="Revoke a token",
        role="admin",
        handler=_revoke,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404, 503),
    ),
)
