"""`GET /api/v1/functions`: PromQL's functions and aggregations as the engine has them, for editors."""

from collections.abc import Sequence

from aiohttp import web

from services.evaluator.promql.aggregations import AGGREGATIONS
from services.evaluator.promql.functions import FUNCTIONS
from services.evaluator.query_api.encode import success


class VocabularyRoutes:
    """Tells the words of the language."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/v1/functions", self._functions)]

    async def _functions(self, _request: web.Request) -> web.Response:
        known = [{"name": one.name, "signature": one.signature, "doc": one.doc} for one in FUNCTIONS.values()]
        return success({"functions": known, "aggregations": list(AGGREGATIONS)})
