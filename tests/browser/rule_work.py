"""The stand-in API's answers about rules."""

import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.api.alerts.model import AlertChart, ChartSeries
from services.api.overview.evaluated import Matrix, RuleGroups
from services.api.overview.model import Threshold
from services.api.problem import ProblemError
from services.api.rules.compile import expression, rule_file
from services.api.rules.dry_run import dry_run, grid
from services.api.rules.identity import with_ids
from services.api.rules.model import (
    ApiRule,
    MetricLabels,
    PromqlFunction,
    RuleBody,
    RulePreview,
    RuleProblem,
    Vocabulary,
)

if TYPE_CHECKING:
    from tests.browser.stub import StubApi

PATH = "/api/admin/monitoring/rules"


def add_routes(app: web.Application, stub: "StubApi") -> None:
    """Serve one file's rules, and keep those that a test makes."""
    work = _Rules(stub)
    router = app.router
    router.add_get(PATH, work.all)
    router.add_get(f"{PATH}/made", work.made)
    router.add_post(PATH, work.create)
    router.add_post(f"{PATH}/preview", work.preview)
    router.add_get(f"{PATH}/vocabulary", work.vocabulary)
    router.add_get(f"{PATH}/vocabulary/labels", work.labels)
    router.add_put(f"{PATH}/{{id}}", work.change)
    router.add_delete(f"{PATH}/{{id}}", work.delete)
    router.add_post(f"{PATH}/{{id}}/test", work.test)
    router.add_get(f"{PATH}/{{id}}/chart", work.chart)


def _groups(now: float) -> RuleGroups:
    seen = [{"at": now - 15 * back, "seconds": 0.0004, "samples": 3, "series": 0, "error": None} for back in range(20)]
    rule = {
        "name": "CeleryQueueBacklog", "query": "tocsin:celery_queue_length > 20", "type": "alerting", "health": "ok",
        "state": "inactive", "labels": {"severity": "warning"}, "annotations": {}, "duration": 120,
        "tocsin": {
            "file": "rules/celery.yml", "line": 12, "evaluations": seen,
            "thresholds": [{"expr": "tocsin:celery_queue_length", "op": ">", "value": 20}],
            "no_series": [{"selector": "celery_gone", "metric": "celery_gone", "problem": "no such metric"}],
        },
    }  # fmt: skip
    failed = {"at": now, "seconds": 0.0002, "samples": 3, "series": 0, "error": "execution: no such metric"}
    recorded = {
        "name": "tocsin:celery_queue_length", "query": "sum(celery_queue_length)", "type": "recording", "health": "err",
        "lastError": "execution: no such metric", "tocsin": {"line": 4, "evaluations": [failed], "no_series": []},
    }  # fmt: skip
    group = {"name": "celery", "file": "rules/celery.yml", "interval": 15, "rules": [rule, recorded]}
    return with_ids(RuleGroups.model_validate({"groups": [group]}))


def _json(model: Any, status: int = 200) -> web.Response:
    return web.json_response(model.model_dump(mode="json"), status=status)


class _Rules:
    def __init__(self, stub: "StubApi") -> None:
        self._stub = stub

    async def all(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        return _json(_groups(time.time()))

    async def made(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        return web.json_response({"rules": [one.model_dump(mode="json") for one in self._stub.rules.values()]})

    def _keep(self, rule_id: str, version: int, body: dict[str, Any], by: str) -> ApiRule:
        rule, now = RuleBody.model_validate(body), time.time()
        kept = ApiRule(
            id=rule_id, version=version, rule=rule, expr=expression(rule), created_at=now, created_by=by,
            updated_at=now, updated_by=by,
        )  # fmt: skip
        self._stub.rules[rule_id] = kept
        return kept

    async def create(self, request: web.Request) -> web.Response:
        by = self._stub.check_csrf(request)
        return _json(self._keep(str(len(self._stub.rules) + 1), 1, await request.json(), by), 201)

    async def change(self, request: web.Request) -> web.Response:
        by, body = self._stub.check_csrf(request), await request.json()
        known = self._stub.rules[request.match_info["id"]]
        if body.pop("version") != known.version:
            raise ProblemError(409, "other-version", "Somebody changed it.", "Read it again.")
        return _json(self._keep(known.id, known.version + 1, body, by))

    async def delete(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        del self._stub.rules[request.match_info["id"]]
        return web.Response(status=204)

    @staticmethod
    def _run(expr: str) -> Any:
        window = grid(time.time(), 24)
        times = [window[0] + 7200 + index * window[2] for index in range(5)]
        matrix = {"resultType": "matrix", "result": [{"metric": {"queue": "a"}, "values": [[at, "9"] for at in times]}]}
        return dry_run(expr, Matrix.model_validate(matrix), 0, window, recorded=True)

    async def preview(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        rule = RuleBody.model_validate((await request.json())["rule"])
        expr = expression(rule)
        bad = expr.count("(") != expr.count(")")
        wrong = [RuleProblem(problem="could not parse expression", mend="correct the expression", severity="error")]
        return _json(RulePreview(
            expr=expr, yaml=rule_file([("draft", rule)]), problems=wrong if bad else [],
            dry_run=None if bad else self._run(expr),
        ))  # fmt: skip

    async def vocabulary(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        rate = PromqlFunction(name="rate", signature="rate(v range-vector)", doc="Per-second increase of counters.")
        metrics = ["tocsin:celery_queue_length", "up"]
        return _json(Vocabulary(metrics=metrics, functions=[rate], aggregations=["sum"]))

    async def labels(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        assert request.query["metric"] == "tocsin:celery_queue_length"
        return _json(MetricLabels(labels={"queue": ["celery", "mails"]}))

    async def test(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        return _json(self._run("x > 1"))

    async def chart(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        now = time.time()
        points = [(now - 15 * back, 6.0 + back % 3) for back in range(240, 0, -1)]
        limit = Threshold.model_validate({"severity": "warning", "op": ">", "value": 20, "rule": "CeleryQueueBacklog"})
        series = [ChartSeries(labels={}, points=points)]
        return _json(
            AlertChart(
                expr="tocsin:celery_queue_length", start=now - 3600, end=now, step=15, thresholds=[limit], series=series
            )
        )
