"""What the answers of the API v2 have in common."""

from collections.abc import Mapping, Sequence

import orjson
from aiohttp import web
from pydantic import ValidationError

from services.notifier.matchers import Matcher, parse_matchers

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}


def answer(data: object) -> web.Response:
    """Return data as JSON."""
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def problem(status: int, text: str) -> web.Response:
    """Return an error: Alertmanager answers with a bare JSON string."""
    return web.Response(status=status, body=orjson.dumps(text), content_type="application/json")


def first_mistake(error: ValidationError) -> str:
    """Return where the first mistake stands, and what it is."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def asked_matchers(request: web.Request) -> list[Matcher]:
    """Return the matchers of the query's `filter`; raises ValueError."""
    return [matcher for text in request.query.getall("filter", []) for matcher in parse_matchers(text)]


def asked_flag(request: web.Request, name: str) -> bool:
    """Return a yes or no of the query, yes where it says nothing; raises ValueError."""
    text = request.query.get(name, "true").lower()
    if text not in _BOOLEANS:
        raise ValueError(f"{name} must be true or false")
    return _BOOLEANS[text]


def fits(labels: Mapping[str, str], matchers: Sequence[Matcher]) -> bool:
    """Tell whether all matchers hold."""
    return all(matcher.matches(labels) for matcher in matchers)
