"""The stand-in API's answers about the maintenance checklist."""

import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.api.checklist.book import describe
from services.api.checklist.usual import USUAL

if TYPE_CHECKING:
    from tests.browser.stub import StubApi

DAY = 86_400.0
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

    app.router.add_get(_TASKS, listed)
    app.router.add_get(f"{_TASKS}/{{id}}", one)
    app.router.add_post(f"{_TASKS}/{{id}}/ticks", tick)
