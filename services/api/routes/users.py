"""Logins: by admins, and everybody's own password."""

from pydantic import Field

from services.api.auth.accounts import LastAdminError, UsernameTakenError
from services.api.auth.client import client_address
from services.api.auth.passwords import check_new_password
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Answer, Body, Nothing
from services.api.problem import ProblemError
from services.api.roles import Role

_MAX_DIGITS = 18


class UserBody(Body):
    """A new login."""

    username: str = Field(pattern=r"^[A-Za-z0-9_.@+-]{1,64}$")
    password: str = Field(max_length=256)
    role: Role


class UserChange(Body):
    """What is to change; what is left out stays."""

    role: Role | None = None
    password: str | None = Field(default=None, max_length=256)
    disabled: bool | None = None


class PasswordBody(Body):
    """One's own password, the old and the new."""

    current: str = Field(min_length=1, max_length=256)
    new: str = Field(max_length=256)


class User(Answer):
    """One login."""

    id: int
    username: str
    role: Role
    created_at: float
    disabled: bool
    single_sign_on: bool = False
    """The provider vouches for the person and says the role; there is no password."""
    sessions: int
    last_seen_at: float | None


class Users(Answer):
    """All logins, by name."""

    users: list[User]


async def _users(api: Api) -> Users:
    return Users(users=[User(**row) for row in await api.accounts.all()])


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> Users:
    return await _users(api)


async def _create(api: Api, call: Call[Nothing, UserBody]) -> Users:
    body = call.body
    _check_password(body.username, body.password)
    try:
        await api.accounts.create(body.username, body.password, body.role, call.identity.username)
    except UsernameTakenError as error:
        raise ProblemError(409, "name-taken", f"There is a login {body.username}.", "Take another name.") from error
    return await _users(api)


async def _change(api: Api, call: Call[Nothing, UserChange]) -> Users:
    text, body = call.path["id"], call.body
    valid = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    known = next((one for one in (await _users(api)).users if valid and one.id == int(text)), None)
    if known is None:
        raise ProblemError(404, "unknown-user", "There is no such login.", "See GET /api/admin/users.")
    if known.single_sign_on and (body.password is not None or body.role is not None):
        raise ProblemError(
            409,
            "single-sign-on",
            f"{known.username} logs in by the provider, which says the role.",
            "Change it there, or api.oidc.roles; here such a login can be disabled.",
        )
    if body.password is not None:
        _check_password(known.username, body.password)
    by = call.identity.username
    try:
        await api.accounts.change(known.id, by, role=body.role, password=body.password, disabled=body.disabled)
    except LastAdminError as error:
        raise ProblemError(
            409, "last-admin", f"{known.username} is the last admin.", "Make another login an admin first."
        ) from error
    _end_sessions(api, known.username)
    return await _users(api)


async def _own_password(api: Api, call: Call[Nothing, PasswordBody]) -> Users:
    identity, body = call.identity, call.body
    if identity.via != "session":
        raise ProblemError(403, "not-a-person", "A token has no password.", "Log in with name and password.")
    client = client_address(call.request, api.config.trusted_proxies)
    await api.authenticator.check_password(identity.username, body.current, client)
    _check_password(identity.username, body.new)
    own = await api.accounts.own(identity.username)
    if own is None:
        raise ProblemError(404, "unknown-user", "The login is gone.", "Ask an admin.")
    await api.accounts.change_own_password(own[0], identity.username, body.new, identity.key)
    _end_sessions(api, identity.username, but=identity.key)
    shown = [one for one in (await _users(api)).users if one.username == identity.username]
    return Users(users=shown)


def _end_sessions(api: Api, username: str, but: bytes = b"") -> None:
    api.authenticator.forget_all()
    api.hub.end_user(username, but=but)


def _check_password(username: str, password: str) -> None:
    if problem := check_new_password(username, password):
        raise ProblemError(400, "weak-password", f"{problem}.".capitalize(), "Take a longer one.")


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/users",
        name="listUsers",
        summary="All logins",
        role="admin",
        handler=_list,
        answer=Users,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path="/api/admin/users",
        name="createUser",
        summary="Add a login",
        role="admin",
        handler=_create,
        answer=Users,
        query=Nothing,
        body=UserBody,
        status=201,
        problems=(409,),
    ),
    Route(
        method="PUT",
        path="/api/admin/users/{id}",
        name="changeUser",
        summary="Change a login's role or password, disable or enable it; ends its sessions",
        role="admin",
        handler=_change,
        answer=Users,
        query=Nothing,
        body=UserChange,
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path="/api/auth/password",
        name="changeOwnPassword",
        summary="Change one's own password; ends one's other sessions",
        role="viewer",
        handler=_own_password,
        answer=Users,
        query=Nothing,
        body=PasswordBody,
        problems=(404, 429),
    ),
)
