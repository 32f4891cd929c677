"""Prometheus' HTTP API over the head and the rules."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from services.evaluator.config import QueryLimits
from services.evaluator.parts import Parts
from services.evaluator.query_api.check import CheckRoutes
from services.evaluator.query_api.errors import error_answers
from services.evaluator.query_api.queries import QueryRoutes
from services.evaluator.query_api.rules import RuleRoutes
from services.evaluator.query_api.series import SeriesRoutes
from services.evaluator.query_api.service import QueryService
from services.evaluator.query_api.status import StatusRoutes
from services.evaluator.query_api.targets import TargetRoutes
from services.evaluator.query_api.vocabulary import VocabularyRoutes

if TYPE_CHECKING:
    from services.evaluator.history.past import Past


def add_routes(
    app: web.Application,
    stack: AsyncExitStack,
    parts: Parts,
    limits: QueryLimits,
    reload: Callable[[], Awaitable[None]],
    past: "Past | None" = None,
) -> None:
    """Add `/api/v1/…` and `POST /-/reload` to the application; `past` is what queries with `tocsin_past` read."""
    service = QueryService(stack, parts.head, limits, parts.clock, past)
    app.middlewares.append(error_answers)
    for part in (
        QueryRoutes(service, parts.clock),
        SeriesRoutes(service, parts.head, parts.scrapes),
        RuleRoutes(parts.rules),
        TargetRoutes(parts.scrapes),
        StatusRoutes(parts.clock),
        CheckRoutes(),
        VocabularyRoutes(),
    ):
        app.router.add_routes(part.routes())

    async def do_reload(_request: web.Request) -> web.Response:
        await reload()
        if parts.rules.problems:
            return web.Response(status=500, text="\n".join(map(str, parts.rules.problems)) + "\n")
        return web.Response(text="Reloaded.\n")

    app.router.add_post("/-/reload", do_reload)
    app.router.add_put("/-/reload", do_reload)
