"""Heartbeat checks of jobs."""

from aiohttp import web

from services.api.checks.model import Check, CheckBody, CheckDetail, Checks, NewCheck
from services.api.checks.store import MOST_CHECKS, CheckNameTakenError, TooManyChecksError
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError

_PATH = "/api/admin/monitoring/checks"
_MAX_ID_DIGITS = 18


def _unknown() -> ProblemError:
    return ProblemError(404, "unknown-check", "There is no such check.", f"See GET {_PATH}.")


def _taken(name: str) -> ProblemError:
    return ProblemError(409, "name-taken", f"Another check is named {name!r}.", "Take another name.")


def _id(call: Call[Nothing, CheckBody] | Call[Nothing, Nothing]) -> int:
    text = call.path["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS):
        raise _unknown()
    return int(text)


async def _one(api: Api, check_id: int) -> CheckDetail:
    found = await api.checks.one(check_id)
    if found is None:
        raise _unknown()
    return found


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> Checks:
    return Checks(checks=await api.checks.all())


async def _detail(api: Api, call: Call[Nothing, Nothing]) -> CheckDetail:
    return await _one(api, _id(call))


async def _create(api: Api, call: Call[Nothing, CheckBody]) -> NewCheck:
    try:
        check_id, key = await api.checks.store.create(call.body, call.identity.username)
    except CheckNameTakenError as error:
        raise _taken(call.body.name) from error
    except TooManyChecksError as error:
        raise ProblemError(
            409, "too-many-checks", f"There are {MOST_CHECKS} checks already.", "Delete those of jobs that are gone."
        ) from error
    return _with_key(api, await _one(api, check_id), key)


async def _change(api: Api, call: Call[Nothing, CheckBody]) -> CheckDetail:
    try:
        found = await api.checks.store.change(_id(call), call.body, call.identity.username)
    except CheckNameTakenError as error:
        raise _taken(call.body.name) from error
    if not found:
        raise _unknown()
    return await _one(api, _id(call))


async def _renew(api: Api, call: Call[Nothing, Nothing]) -> NewCheck:
    key = await api.checks.store.renew_key(_id(call), call.identity.username)
    if key is None:
        raise _unknown()
    return _with_key(api, await _one(api, _id(call)), key)


async def _delete(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    if not await api.checks.store.delete(_id(call), call.identity.username):
        raise _unknown()
    return web.Response(status=204)


def _with_key(api: Api, check: CheckDetail, key: str) -> NewCheck:
    known = {name: getattr(check, name) for name in Check.model_fields}
    return NewCheck(**known, ping_url=f"{api.external_url.rstrip('/')}/ping/{key}")


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        name="listChecks",
        summary="All heartbeat checks and how they stand",
        role="viewer",
        handler=_list,
        answer=Checks,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=_PATH,
        name="createCheck",
        summary="Make a heartbeat check; its address is shown this once",
        role="operator",
        handler=_create,
        answer=NewCheck,
        query=Nothing,
        body=CheckBody,
        status=201,
        problems=(409,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{id}}",
        name="getCheck",
        summary="One check with its last reports",
        role="viewer",
        handler=_detail,
        answer=CheckDetail,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
    Route(
        method="PUT",
        path=f"{_PATH}/{{id}}",
        name="changeCheck",
        summary="Change a check; its key and reports stay",
        role="operator",
        handler=_change,
        answer=CheckDetail,
        query=Nothing,
        body=CheckBody,
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/key",
        name="renewCheckKey",
        summary="Give a check another address, shown this once; the old one ends",
        role="operator",
        handler=_renew,
        answer=NewCheck,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        name="deleteCheck",
        summary="Remove a check with its reports",
        role="operator",
        handler=_delete,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404,),
    ),
)
