"""Logging in and out, and who one is."""

from aiohttp import web
from pydantic import Field

from services.api.auth.client import client_address
from services.api.auth.identity import SESSION_COOKIE, Identity
from services.api.context import Api
from services.api.endpoint import Call, Route, json_response
from services.api.model import Answer, Body, Nothing
from services.api.roles import Role


class LoginBody(Body):
    """Username and password."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")
    password: str = Field(min_length=1, max_length=256)


class SessionUser(Answer):
    """Who is logged in."""

    username: str
    role: Role


class Session(Answer):
    """A login; `csrf_token` goes into the header X-CSRF-Token of every request that changes something."""

    user: SessionUser
    csrf_token: str


class LoggedOut(Answer):
    """The session has ended."""

    logged_out: bool = True
    provider_url: str = ""
    """Where to go to log out at the provider too; "": nowhere."""


def _session(identity: Identity) -> Session:
    user = SessionUser(username=identity.username, role=identity.role)
    return Session(user=user, csrf_token=identity.csrf_token)


async def _login(api: Api, call: Call[Nothing, LoginBody]) -> web.StreamResponse:
    client = client_address(call.request, api.config.trusted_proxies)
    secret, identity = await api.authenticator.log_in(call.body.username, call.body.password, client)
    response = json_response(_session(identity), request=call.request)
    set_session(api, response, secret)
    return response


def set_session(api: Api, response: web.StreamResponse, secret: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=round(api.config.session_hours * 3600),
        httponly=True,
        samesite="Strict",
        secure=api.https,
        path="/",
    )


async def _me(_api: Api, call: Call[Nothing, Nothing]) -> Session:
    return _session(call.identity)


async def _logout(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    provider_url = ""
    if call.identity.via == "session":
        await api.authenticator.log_out(call.identity)
        api.hub.end_session(call.identity.key)
        if api.oidc is not None:
            provider_url = await api.oidc.logout_url(call.identity.username)
    response = json_response(LoggedOut(provider_url=provider_url), request=call.request)
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/login",
        name="logIn",
        summary="Log in: sets the session cookie",
        role=None,
        handler=_login,
        answer=Session,
        query=Nothing,
        body=LoginBody,
        problems=(401, 403, 429, 503),
    ),
    Route(
        method="GET",
        path="/api/auth/me",
        name="getSession",
        summary="Who is logged in",
        role="viewer",
        handler=_me,
        answer=Session,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path="/api/auth/logout",
        name="logOut",
        summary="End the session",
        role="viewer",
        handler=_logout,
        answer=LoggedOut,
        query=Nothing,
        body=Nothing,
        problems=(503,),
    ),
)
