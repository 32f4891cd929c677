"""Who is on call: contacts, schedules, escalation policies. They live in the notifier's file; takeovers live here."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from aiohttp import web

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Answer, Nothing
from services.api.oncall.book import read_only
from services.api.oncall.model import (
    Contacts,
    OnCall,
    OverrideBody,
    OverrideMade,
    Policies,
    Schedules,
    UserContact,
    UserContactBody,
)
from services.api.problem import ProblemError
from services.common.people_shown import People

_BASE = "/api/admin/monitoring"
_MAX_DIGITS = 18
_KEYS = {"contacts": "contact", "schedules": "schedule", "escalation-policies": "escalation policy"}
_Plain = Call[Nothing, Nothing]


async def _on_call(api: Api, call: _Plain) -> OnCall:
    return await api.on_call.on_call(call.identity)


async def _contacts(api: Api, call: _Plain) -> Contacts:
    return await api.on_call.contacts(call.identity)


async def _schedules(api: Api, call: _Plain) -> Schedules:
    return await api.on_call.schedules(call.identity)


async def _policies(api: Api, _call: _Plain) -> Policies:
    return Policies(policies=(await api.on_call.people()).policies)


async def _take_over(api: Api, call: Call[Nothing, OverrideBody]) -> OverrideMade:
    return await api.on_call.take_over(call.path["name"], call.body, call.identity)


async def _give_back(api: Api, call: _Plain) -> web.StreamResponse:
    await api.on_call.give_back(call.path["name"], call.path["id"], call.identity)
    return web.Response(status=204)


async def _give_contact(api: Api, call: Call[Nothing, UserContactBody]) -> UserContact:
    text = call.path["id"]
    valid = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return await api.on_call.give_contact(int(text) if valid else 0, call.body.contact, call.identity)


def _file_only(key: str) -> Callable[[Api, _Plain], Awaitable[web.StreamResponse]]:
    what = _KEYS[key]

    async def refuse(api: Api, call: _Plain) -> web.StreamResponse:
        place = _places(await api.on_call.people(), key).get(call.path["name"])
        if place is not None:
            raise read_only(what, place)
        raise ProblemError(404, "unknown-name", f"There is no such {what}.", f"Take a name of GET {key}.")

    return refuse


def _places(people: People, key: str) -> dict[str, str]:
    if key == "contacts":
        return {one.name: one.place for one in people.contacts}
    if key == "schedules":
        return {one.name: one.place for one in people.schedules}
    return {one.name: one.place for one in people.policies}


def _read_only(key: str, method: Literal["PUT", "DELETE"]) -> Route[Nothing, Nothing]:
    verb, word = ("change", "Change") if method == "PUT" else ("delete", "Delete")
    return Route(
        method=method,
        path=f"{_BASE}/{key}/{{name}}",
        name=f"{verb}{_KEYS[key].title().replace(' ', '')}",
        summary=f"{word} nothing: a {_KEYS[key]} is written in the notifier's file, which the answer (409) names",
        role="admin",
        handler=_file_only(key),
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404, 409),
        # Whatever is sent is refused for what it is, not for its form.
        raw_body="application/json",
    )


def _get(
    key: str, name: str, summary: str, handler: Callable[[Api, _Plain], Awaitable[Answer]], answer: type[Answer]
) -> Route[Nothing, Nothing]:
    return Route(
        method="GET", path=f"{_BASE}/{key}", name=name, summary=summary, role="viewer", handler=handler, answer=answer,
        query=Nothing, body=Nothing,
    )  # fmt: skip


ROUTES: tuple[Route[Any, Any], ...] = (
    _get("on-call", "getOnCall", "Who is on call now, by schedule and by policy, and what would reach nobody",
         _on_call, OnCall),
    _get("contacts", "listContacts", "Everybody who can be told; viewers see numbers masked", _contacts, Contacts),
    _get("schedules", "listSchedules", "All schedules with the rota of five weeks and their takeovers",
         _schedules, Schedules),
    _get("escalation-policies", "listEscalationPolicies", "All escalation policies, whom each step reaches now",
         _policies, Policies),
    Route(
        method="POST",
        path=f"{_BASE}/schedules/{{name}}/overrides",
        name="takeOver",
        summary="Take a duty over for a while (an admin: say who does)",
        role="operator",
        handler=_take_over,
        answer=OverrideMade,
        query=Nothing,
        body=OverrideBody,
        status=201,
        problems=(404, 409),
    ),
    Route(
        method="DELETE",
        path=f"{_BASE}/schedules/{{name}}/overrides/{{id}}",
        name="endTakeover",
        summary="End a takeover; those that the notifier's file has end there (409 names it)",
        role="operator",
        handler=_give_back,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404, 409),
    ),
    Route(
        method="PUT",
        path="/api/admin/users/{id}/contact",
        name="setUserContact",
        summary="Say which contact a login is; null: the one of the same name",
        role="admin",
        handler=_give_contact,
        answer=UserContact,
        query=Nothing,
        body=UserContactBody,
        problems=(404,),
    ),
    *(_read_only(key, "PUT") for key in _KEYS),
    *(_read_only(key, "DELETE") for key in _KEYS),
)  # fmt: skip
