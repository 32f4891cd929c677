"""`GET /errors`: the errors of all watched services, the last example of each with its traceback."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from services.collector.sources.logs.groups import Group, trend
from services.collector.sources.logs.source import LogSource

_PATIENCE = 5.0
_DEFAULT, _MOST = 100, 1000


async def errors_page(sources: Sequence[LogSource], request: web.Request) -> web.Response:
    """Answer with JSON, the latest error first.

    Parameters: `service`, `level`, `fingerprint` to choose, `since` (seconds since the epoch, by last occurrence),
    `limit` (default 100). A source that does not answer in 5 seconds is named under `missing`;
    `sources` names all.
    """
    wanted = {key: request.query[key] for key in ("service", "level", "fingerprint") if key in request.query}
    since, limit = _number(request, "since", 0.0), int(_number(request, "limit", _DEFAULT))
    found: list[dict[str, Any]] = []
    missing: list[str] = []
    for source, answer in zip(sources, await asyncio.gather(*(_ask(source) for source in sources)), strict=True):
        if answer is None:
            missing.append(source.name)
        else:
            found.extend(describe(group, source, now) for group, now in answer)
    chosen = [error for error in found if _matches(error, wanted) and error["last_seen"] >= since]
    chosen.sort(key=lambda error: (-error["last_seen"], error["fingerprint"]))
    body = {
        "errors": chosen[: min(max(limit, 1), _MOST)],
        "total": len(chosen),
        "missing": missing,
        "sources": [source.name for source in sources],
    }
    return web.Response(body=orjson.dumps(body), content_type="application/json")


def _matches(error: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(error[key] == value for key, value in wanted.items())


async def _ask(source: LogSource) -> list[tuple[Group, float]] | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await source.errors()
    except TimeoutError:
        return None


def describe(group: Group, source: LogSource, now: float) -> dict[str, Any]:
    """Return one error as the page shows it; times are seconds since the epoch."""
    return {
        "service": source.service,
        "target": source.name,
        "fingerprint": group.fingerprint,
        "level": group.level,
        "type": group.type,
        "message": group.pattern,
        "first_seen": group.first_seen,
        "last_seen": group.last_seen,
        "count": group.count,
        "trend": trend(group, now),
        "example": group.example,
    }


def _number(request: web.Request, key: str, default: float) -> float:
    text = request.query.get(key, "")
    try:
        return float(text) if text else default
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{key} must be a number, not {text[:50]!r}.\n") from error
