"""`POST /api/v1/rules/check`: what the loader and the checks say of a rule file that is not in force."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from services.evaluator.query_api.encode import success
from services.evaluator.rules.problem import Problem

_NAME = "rules.yml"


class CheckRoutes:
    """Answers for a file in the body; nothing is kept."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.post("/api/v1/rules/check", self._check)]

    async def _check(self, request: web.Request) -> web.Response:
        problems = await asyncio.to_thread(_checked, await request.read())
        return success({"problems": [_shown(one) for one in problems]})


def _checked(body: bytes) -> list[Problem]:
    from services.evaluator.check import check_files  # noqa: PLC0415 - its HTTP client takes 3 MB, which few ever need

    with tempfile.TemporaryDirectory(prefix="tocsin-check-") as folder:
        path = Path(folder) / _NAME
        path.write_bytes(body)
        return check_files([path])


def _shown(one: Problem) -> dict[str, object]:
    return {
        "line": one.line,
        "column": one.column,
        "problem": one.problem,
        "mend": one.mend,
        "group": one.group,
        "rule": one.rule,
        "severity": one.severity,
    }
