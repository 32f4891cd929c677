"""The stand-in API's answers to what people do about alerts: silences, comments, verdicts, charts."""

import time
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.api.alerts.model import AlertChart, ChartSeries, TimelineEntry, Verdict
from services.api.overview.model import Threshold
from services.api.problem import ProblemError
from services.api.silences.matching import Matcher
from services.api.silences.preview import hidden, preview

if TYPE_CHECKING:
    from tests.browser.stub import StubApi

MONITORING = "/api/admin/monitoring"


def add_routes(app: web.Application, stub: "StubApi") -> None:
    """Serve the answers from the world that the stub holds."""
    work = _Work(stub)
    router = app.router
    router.add_get(f"{MONITORING}/silences", work.silences)
    router.add_post(f"{MONITORING}/silences", work.silence)
    router.add_post(f"{MONITORING}/silences/preview", work.preview)
    router.add_delete(f"{MONITORING}/silences/{{id}}", work.expire)
    router.add_post(f"{MONITORING}/alerts/{{id}}/unacknowledge", work.unacknowledge)
    router.add_post(f"{MONITORING}/alerts/{{id}}/comments", work.comment)
    router.add_post(f"{MONITORING}/alerts/{{id}}/verdict", work.judge)
    router.add_get(f"{MONITORING}/alerts/{{id}}/chart", work.chart)


def _matchers(body: dict[str, Any]) -> tuple[Matcher, ...]:
    return tuple(Matcher.model_validate(one) for one in body["matchers"])


class _Work:
    def __init__(self, stub: "StubApi") -> None:
        self._stub = stub

    def _shown(self, silence: dict[str, Any]) -> dict[str, Any]:
        found = [] if silence["state"] == "expired" else hidden(_matchers(silence), self._stub.alerts)
        return {**silence, "hides": [one.id for one in found]}

    async def silences(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        return web.json_response({"silences": [self._shown(one) for one in self._stub.silences]})

    async def preview(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        body = await request.json()
        seen = preview(_matchers(body), self._stub.alerts, seconds=body["duration_seconds"], recent=[])
        return web.json_response(seen.model_dump(mode="json"))

    async def silence(self, request: web.Request) -> web.Response:
        name = self._stub.check_csrf(request)
        body = await request.json()
        seen = preview(_matchers(body), self._stub.alerts, seconds=body["duration_seconds"])
        if any(one.broad for one in seen.warnings) and not body["confirm_broad"]:
            raise ProblemError(409, "broad-silence", "It is broad.", "Confirm it.")
        now = time.time()
        made = {
            "id": str(uuid.uuid4()),
            "state": "active",
            "matchers": body["matchers"],
            "starts_at": now,
            "ends_at": now + body["duration_seconds"],
            "created_by": name,
            "comment": body["comment"],
            "updated_at": now,
            "confirmed": True,
        }
        self._stub.silences.insert(0, made)
        return web.json_response(self._shown(made), status=201)

    async def expire(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        found = next(one for one in self._stub.silences if one["id"] == request.match_info["id"])
        found |= {"state": "expired", "ends_at": time.time()}
        return web.json_response(self._shown(found))

    async def unacknowledge(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        done = await self._stub.take(self._stub.find(request), None, "")
        return web.json_response(done.model_dump(mode="json"))

    def _note(self, request: web.Request, by: str, kind: str, text: str) -> web.Response:
        alert = self._stub.find(request)
        entry = TimelineEntry.model_validate({"at": time.time(), "kind": kind, "by": by, "text": text})
        self._stub.notes.setdefault(alert.id, []).append(entry)
        return web.json_response(self._stub.detail(alert).model_dump(mode="json"))

    async def comment(self, request: web.Request) -> web.Response:
        name = self._stub.check_csrf(request)
        return self._note(request, name, "comment", (await request.json())["text"])

    async def judge(self, request: web.Request) -> web.Response:
        name = self._stub.check_csrf(request)
        verdict = (await request.json())["verdict"]
        self._stub.verdicts[request.match_info["id"]] = Verdict(verdict=verdict, by=name, at=time.time())
        return self._note(request, name, "verdict", verdict)

    async def chart(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        alert = self._stub.find(request)
        start, end = alert.active_at - 900, alert.ends_at or time.time()
        steps = [start + index * (end - start) / 60 for index in range(61)]
        points = [(at, 8.0 if at < alert.active_at else 47.0) for at in steps]
        limit = Threshold.model_validate({"severity": "warning", "op": ">", "value": 20, "rule": alert.name})
        series = [ChartSeries(labels={}, points=points)]
        drawn = AlertChart(
            expr="tocsin:celery_queue_length", start=start, end=end, step=15, thresholds=[limit], series=series
        )
        return web.json_response(drawn.model_dump(mode="json"))
