"""`/api/v1/query`, `query_range`, `format_query`, `parse_query`, `query_exemplars`."""

from collections.abc import Sequence

from aiohttp import web

from services.common.clock import Clock
from services.evaluator.promql import Expr, PromqlError, ast_json, parse, pretty
from services.evaluator.query_api.encode import packed, success
from services.evaluator.query_api.params import ApiError, Params, bad, parse_text
from services.evaluator.query_api.service import Asked, QueryService

MAX_STEPS = 11_000


class QueryRoutes:
    """Evaluates what it is asked."""

    def __init__(self, service: QueryService, clock: Clock) -> None:
        self._service, self._clock = service, clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes; each takes GET and POST."""
        return [
            route
            for path, handler in (
                ("/api/v1/query", self._query),
                ("/api/v1/query_range", self._range),
                ("/api/v1/format_query", self._format),
                ("/api/v1/parse_query", self._parse),
                ("/api/v1/query_exemplars", self._exemplars),
            )
            for route in (web.get(path, handler), web.post(path, handler))
        ]

    async def _query(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        t_ms = params.time_ms("time", round(self._clock.now() * 1000))
        return packed(await self._service.instant(params.text("query"), t_ms, _asked(params)))

    async def _range(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        asked = _asked(params)
        start, end = params.needed_time_ms("start"), params.needed_time_ms("end")
        if end < start:
            raise bad("end", "end timestamp must not be before start time")
        step = round(params.seconds("step") * 1000)
        if step <= 0:
            raise bad("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
        if (end - start) // step > MAX_STEPS:
            raise ApiError(
                "bad_data",
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)",
            )
        return packed(await self._service.range(params.text("query"), start, end, step, asked))

    async def _format(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        return success(pretty(_parsed(params)))

    async def _parse(self, request: web.Request) -> web.Response:
        return success(ast_json(_parsed(await Params.of(request))))

    async def _exemplars(self, _request: web.Request) -> web.Response:
        # Exemplars are read over, not kept; Grafana asks for them all the same.
        return success([])


def _parsed(params: Params) -> Expr:
    try:
        return parse(params.text("query"))
    except PromqlError as error:
        raise bad("query", parse_text(error)) from error


def _asked(params: Params) -> Asked:
    times = {}
    for name in ("timeout", "lookback_delta"):
        times[name] = params.seconds(name, 0.0)
        if times[name] < 0:
            raise bad(name, "must not be negative")
    return Asked(
        times["timeout"],
        times["lookback_delta"],
        limit=params.count("limit"),
        stats=bool(params.text("stats")),
        past=bool(params.text("tocsin_past")),
    )
