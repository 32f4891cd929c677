"""Logging in by the OpenID Connect provider, and which ways there are."""

from aiohttp import web
from pydantic import ConfigDict, Field

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Answer, Body, Nothing
from services.api.oidc.attempt import COOKIE, SECONDS, Return
from services.api.oidc.error import OidcError
from services.api.oidc.login import OidcLogin
from services.api.problem import ProblemError
from services.api.routes.auth import set_session
from services.common.storage import StorageUnavailableError

_PATH = "/api/auth/oidc"
_TEXT = 4096


class LoginMethods(Answer):
    """How one can log in here."""

    password: bool
    """Whether everybody may by a password; else only those named in the settings."""
    provider: str | None
    """What the provider is called; GET /api/auth/oidc/login leads there. null: there is none."""


class BeginQuery(Body):
    """Where to go after the login: a path of the page."""

    next: str = Field(default="/", max_length=1000)


class ReturnQuery(Body):
    """What the provider sends back with the browser; what else it sends is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: str = Field(default="", max_length=_TEXT)
    code: str = Field(default="", max_length=_TEXT)
    error: str = Field(default="", max_length=_TEXT)
    iss: str = Field(default="", max_length=_TEXT)


async def _methods(api: Api, _call: Call[Nothing, Nothing]) -> LoginMethods:
    provider = None if api.oidc is None else api.oidc.config.title
    return LoginMethods(password=api.config.local_logins is None, provider=provider)


def _login(api: Api) -> OidcLogin:
    if api.oidc is None:
        raise ProblemError(404, "no-provider", "No provider is configured.", "Log in by a password, or set api.oidc.")
    return api.oidc


def _see(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where, "Cache-Control": "no-store"})


async def _begin(api: Api, call: Call[BeginQuery, Nothing]) -> web.Response:
    login = _login(api)
    try:
        attempt, where = await login.begin(call.query.next)
    except OidcError as error:
        return _see(login.failed(error))
    response = _see(where)
    # Lax: it must come back with the browser, which another site sends here.
    response.set_cookie(
        COOKIE, attempt.cookie(), max_age=SECONDS, httponly=True, samesite="Lax", secure=api.https, path=_PATH
    )
    return response


async def _finish(api: Api, call: Call[ReturnQuery, Nothing]) -> web.Response:
    login, query = _login(api), call.query
    back = Return(state=query.state, code=query.code, error=query.error, issuer=query.iss)
    try:
        secret, _, where = await login.finish(call.request.cookies.get(COOKIE, ""), back)
    except OidcError as error:
        response = _see(login.failed(error))
    except StorageUnavailableError as error:
        # A person looks at the answer: the page says it better than a problem document.
        response = _see(login.failed(OidcError("storage", str(error))))
    else:
        # A role that changed at the provider holds for the person's other sessions too.
        api.authenticator.forget_all()
        response = _see(where)
        set_session(api, response, secret)
    response.del_cookie(COOKIE, path=_PATH)
    return response


ROUTES = (
    Route(
        method="GET",
        path="/api/auth/methods",
        name="getLoginMethods",
        summary="How one can log in",
        role=None,
        handler=_methods,
        answer=LoginMethods,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="GET",
        path="/api/auth/oidc/login",
        name="beginProviderLogin",
        summary="Go to the provider to log in",
        role=None,
        handler=_begin,
        answer=None,
        query=BeginQuery,
        body=Nothing,
        status=303,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/api/auth/oidc/callback",
        name="finishProviderLogin",
        summary="Where the provider sends the browser back to: sets the session cookie, or tells the page why not",
        role=None,
        handler=_finish,
        answer=None,
        query=ReturnQuery,
        body=Nothing,
        status=303,
        problems=(404,),
    ),
)
