"""The stand-in API's answers about the maintenance checklist and code quality."""

import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.api.checklist.book import describe
from services.api.checklist.usual import USUAL
from services.api.quality.book import QualityBook
from services.api.quality.model import Audit
from services.api.quality.report import Finding, Report, Vulnerability, make_report
from services.api.quality.score import Scores, score
from services.api.quality.settings import QualitySettings
from services.common.clock import SystemClock

if TYPE_CHECKING:
    from tests.browser.stub import StubApi

DAY = 86_400.0
_QUALITY = "/api/admin/monitoring/quality"
_TASKS = "/api/admin/monitoring/maintenance/tasks"


def tasks(now: float) -> list[dict[str, Any]]:
    """A task of each state, of each source."""
    row = {
        "description": "",
        "cadence": "weekly",
        "schedule": None,
        "timezone": "Europe/Berlin",
        "grace_seconds": DAY,
        "source": "manual",
        "check_id": None,
        "check_name": None,
        "beat_task": None,
        "created_by": "ada",
        "created_at": now - 60 * DAY,
        "last_done_at": now - 60,
        "last_done_by": "ana",
        "last_note": "",
    }
    told: dict[str, dict[str, Any]] = {
        "Backup": {"cadence": "daily", "source": "check", "check_id": 2, "check_name": "backup", "last_done_by": ""},
        "Look at capacity": {"cadence": "monthly", "last_done_at": None, "last_done_by": "", "created_at": now - 60},
        "Nightly report": {
            "cadence": "cron", "schedule": "0 3 * * *", "source": "beat", "beat_task": "nightly", "last_done_by": "",
            "last_done_at": now - 5 * DAY,
        },
        "Restore test of a backup": {
            "description": "Restore the newest backup elsewhere and compare counts of rows.",
            "last_done_at": now - 30 * DAY, "last_note": "41 of 41 tables came back",
        },
        "Review of access": {"cadence": "monthly"},
    }  # fmt: skip
    return [
        describe({**row, "id": number, "name": name, **change}, now, beat_known=False).model_dump(mode="json")
        for number, (name, change) in enumerate(told.items(), 1)
    ]


def _reports() -> list[Report]:
    """All but radon's maintainability index."""
    lint = [Finding("lint", "info", "E501", "Line too long (133 > 120)", f"shop/cart_{n}.py", n) for n in range(1, 60)]
    unsafe = Finding("code", "critical", "B602", "subprocess call with shell=True identified", "shop/pay.py", 7)
    failed = Finding("results", "critical", "failed", "tests.pay::test_refund failed: 500")
    wrong = Finding("types", "warning", "arg-type", "Argument 1 has the wrong type", "shop/cart.py", 41)
    tangled = Finding("complexity", "warning", "rank-D", "tangled has the complexity 24: split it", "shop/pay.py", 26)
    tests = {"passed": 412.0, "failed": 1.0, "skipped": 6.0, "slow": 9.0, "fast_passed": 403.0}
    holes = (
        Vulnerability("flask", "0.5", "1.0", "PYSEC-2019-179", summary="Unexpected memory usage."),
        Vulnerability("oldlib", "2.1", "", "PYSEC-2099-1", "high"),
    )
    return [
        make_report("bandit", [unsafe]),
        make_report("coverage", measures={"line_ratio": 0.93, "branch_ratio": 0.81}),
        make_report("junit", [failed], measures=tests),
        make_report("mypy", [wrong]),
        make_report("pip-audit", vulnerabilities=holes),
        make_report("radon-cc", [tangled]),
        make_report("ruff", lint),
    ]


def audits(now: float) -> list[Audit]:
    """Five audits, the latest first; none has the report of the maintainability index."""
    found = score(_reports(), 5400).parts
    return [
        Audit(
            id=9 - days, commit=f"4f2a91c0dd5{days}", branch="main", at=now - days * DAY, lines=5400,
            created_by="token:ci",
            finished_at=now - days * DAY, overall=None, architecture=None, security=(found["security"] or 0) + days / 2,
            performance=found["performance"], testing=(found["testing"] or 0) - days / 3,
        )
        for days in range(5)
    ]  # fmt: skip


class _Shelf:
    """A store of those audits."""

    def __init__(self, audits: list[Audit]) -> None:
        self._audits = audits

    async def trend(self, _branch: str) -> list[Audit]:
        return self._audits

    async def branches(self) -> list[str]:
        return ["main", "feature/refunds"] if self._audits else []

    async def vulnerabilities(self, _branch: str) -> tuple[tuple[Vulnerability, ...], float]:
        holes = next(one.vulnerabilities for one in _reports() if one.kind == "pip-audit")
        return holes, time.time()

    async def reports(self, audit: Audit) -> tuple[list[Report], Scores]:
        return _reports(), score(_reports(), audit.lines)


def add_routes(app: web.Application, stub: "StubApi") -> None:
    """Serve the stand-in's tasks; ticks change them."""

    async def listed(request: web.Request) -> web.Response:
        stub.user(request)
        names = {task["name"] for task in stub.tasks}
        return web.json_response({
            "tasks": stub.tasks, "usual": [body.name for body in USUAL if body.name not in names],
        })  # fmt: skip

    async def one(request: web.Request) -> web.Response:
        task = stub.tasks[int(request.match_info["id"]) - 1]
        done = {"id": 1, "at": task["last_done_at"], "by": task["last_done_by"], "note": task["last_note"]}
        return web.json_response({**task, "ticks": [done]})

    async def tick(request: web.Request) -> web.Response:
        user = stub.user(request)
        task, now = stub.tasks[int(request.match_info["id"]) - 1], time.time()
        note = (await request.json())["note"]
        task |= {"state": "waiting", "last_done_at": now, "last_done_by": user, "last_note": note}
        return web.json_response({**task, "ticks": []})

    async def quality(request: web.Request) -> web.Response:
        stub.user(request)
        store: Any = _Shelf(stub.audits)
        shown = await QualityBook(store, QualitySettings(), SystemClock()).quality("")
        can_run = stub.audit_run is not None
        return web.json_response(shown.model_copy(update={"can_run": can_run}).model_dump(mode="json"))

    async def state(request: web.Request) -> web.Response:
        stub.user(request)
        return web.json_response({"configured": True, "run": stub.audit_run or None})

    async def run(request: web.Request) -> web.Response:
        now = time.time()
        stub.audit_run = {
            "id": 1, "started_at": now - 60, "started_by": stub.user(request), "finished_at": now, "result": "failed",
            "exit_code": 2, "detail": "It ended with the exit code 2.", "output": "ruff: not found", "audit_id": None,
        }  # fmt: skip
        return web.json_response(stub.audit_run | {"result": "running", "finished_at": None}, status=202)

    app.router.add_get(_QUALITY, quality)
    app.router.add_get(f"{_QUALITY}/run", state)
    app.router.add_post(f"{_QUALITY}/run", run)
    app.router.add_get(_TASKS, listed)
    app.router.add_get(f"{_TASKS}/{{id}}", one)
    app.router.add_post(f"{_TASKS}/{{id}}/ticks", tick)
