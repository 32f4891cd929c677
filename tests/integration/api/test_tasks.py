"""The maintenance checklist on a real Postgres."""

import asyncio

import pytest

from services.api.checklist.usual import USUAL

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/maintenance/tasks"
BODY = {"name": "Restore test", "cadence": "weekly", "timezone": "Europe/Berlin"}


async def test_the_life_of_a_task(api):
    admin, operator = await api.log_in("admin"), await api.log_in("operator")
    status, made = await admin.post(PATH, BODY)
    assert (status, made["state"], made["source"], made["last_done_at"]) == (201, "due", "manual", None)
    address = f"{PATH}/{made['id']}"
    status, done = await operator.post(f"{address}/ticks", {"note": " 41 tables came back "})
    assert (status, done["state"], done["last_done_by"], done["last_note"]) == (
        200, "waiting", "operator", "41 tables came back",
    )  # fmt: skip
    assert [tick["note"] for tick in done["ticks"]] == ["41 tables came back"]
    _, again = await operator.post(f"{address}/ticks")
    assert [tick["note"] for tick in again["ticks"]] == ["", "41 tables came back"]
    status, undone = await operator.delete(f"{address}/ticks/{again['ticks'][0]['id']}")
    assert (status, len(undone["ticks"])) == (200, 1)
    status, changed = await admin.put(address, BODY | {"name": "Restore", "cadence": "cron", "schedule": "0 9 * * 2"})
    assert (status, changed["name"], changed["schedule"], len(changed["ticks"])) == (200, "Restore", "0 9 * * 2", 1)
    assert (await admin.post(PATH, BODY | {"name": "Restore"}))[1]["type"] == "/problems/name-taken"
    _, other = await admin.post(PATH, BODY)
    assert (await admin.put(f"{PATH}/{other['id']}", BODY | {"name": "Restore"}))[0] == 409
    assert (await admin.delete(address))[0] == 204
    assert (await admin.delete(f"{PATH}/{other['id']}"))[0] == 204
    assert await api.sql("SELECT 1 FROM maintenance_ticks") == []
    audit = await api.sql("SELECT actor, action, target FROM audit_log WHERE action LIKE 'task%' ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("admin", "task_created", "Restore test"),
        ("operator", "task_ticked", "Restore test"),
        ("operator", "task_ticked", "Restore test"),
        ("operator", "task_unticked", "Restore test"),
        ("admin", "task_changed", "Restore"),
        ("admin", "task_created", "Restore test"),
        ("admin", "task_deleted", "Restore"),
        ("admin", "task_deleted", "Restore test"),
    ]


async def test_what_is_not_there_is_not_found(api):
    admin = await api.log_in("admin")
    for task in ("0", "999", "x", "9" * 30):
        address = f"{PATH}/{task}"
        assert (await admin.get(address))[0] == 404
        assert (await admin.put(address, BODY))[0] == 404
        assert (await admin.delete(address))[0] == 404
        assert (await admin.post(f"{address}/ticks"))[0] == 404
        assert (await admin.delete(f"{address}/ticks/1"))[0] == 404
    _, made = await admin.post(PATH, BODY)
    for tick in ("7", "x"):
        status, body = await admin.delete(f"{PATH}/{made['id']}/ticks/{tick}")
        assert (status, body["type"]) == (404, "/problems/unknown-tick")
    for work in (
        admin.post(PATH, BODY | {"check_id": 999, "name": "b"}),
        admin.put(f"{PATH}/{made['id']}", BODY | {"check_id": 9}),
    ):
        status, body = await work
        assert (status, body["type"]) == (400, "/problems/unknown-check")


async def test_a_check_ticks_its_task(api):
    admin, job = await api.log_in("admin"), await api.visitor()
    _, check = await admin.post("/api/admin/monitoring/checks", {"name": "backup", "period_seconds": 3600})
    _, made = await admin.post(PATH, BODY | {"check_id": check["id"]})
    assert (made["source"], made["check_name"], made["state"]) == ("check", "backup", "due")
    status, refused = await admin.post(f"{PATH}/{made['id']}/ticks")
    assert (status, refused["type"]) == (409, "/problems/not-manual")
    ping = "/ping/" + check["ping_url"].rpartition("/")[2]
    await job.get(f"{ping}/fail")
    await api.context.checklist.refresh()
    assert (await admin.get(f"{PATH}/{made['id']}"))[1]["ticks"] == []
    await job.get(ping)
    await asyncio.gather(*(api.context.checklist.refresh() for _ in range(3)))
    _, done = await admin.get(f"{PATH}/{made['id']}")
    assert (done["state"], [tick["by"] for tick in done["ticks"]]) == ("waiting", [""])
    status, body = await admin.delete(f"{PATH}/{made['id']}/ticks/{done['ticks'][0]['id']}")
    assert (status, body["type"]) == (404, "/problems/unknown-tick")
    await admin.delete(f"/api/admin/monitoring/checks/{check['id']}")
    _, left = await admin.get(f"{PATH}/{made['id']}")
    assert (left["reason"], left["check_name"]) == ("check_gone", None)


async def test_an_overdue_task_is_counted_and_told(api):
    admin = await api.log_in("admin")
    _, made = await admin.post(PATH, BODY)
    await api.sql("UPDATE maintenance_tasks SET created_at = now() - interval '1 month'")
    await api.context.checklist.refresh()
    _, health = await admin.get("/api/maintenance/health")
    assert (health["status"], health["overdue_tasks"]) == ("attention", ["Restore test"])
    _, counts = await admin.get("/api/maintenance/metrics")
    assert counts["tasks"] == {"waiting": 0, "due": 0, "overdue": 1, "unknown": 0}
    _, text = await admin.get("/metrics")
    assert 'tocsin_maintenance_task_overdue{task="Restore test"} 1.0' in text
    await admin.post(f"{PATH}/{made['id']}/ticks")
    _, text = await admin.get("/metrics")
    assert 'tocsin_maintenance_task_overdue{task="Restore test"} 0.0' in text


async def test_the_usual_tasks_are_added_once(api, monkeypatch):
    admin = await api.log_in("admin")
    _, empty = await admin.get(PATH)
    assert empty["tasks"] == []
    await admin.post(PATH, BODY | {"name": empty["usual"][0]})
    status, added = await admin.post(f"{PATH}/usual")
    assert (status, sorted(task["name"] for task in added["tasks"])) == (200, sorted(empty["usual"]))
    assert added["usual"] == []
    await api.sql("DELETE FROM maintenance_tasks")
    await asyncio.gather(*(api.context.checklist.store.create_missing(USUAL, "ada") for _ in range(3)))
    _, again = await admin.post(f"{PATH}/usual")
    assert len(again["tasks"]) == len(empty["usual"])
    monkeypatch.setattr("services.api.checklist.store.MOST_TASKS", len(empty["usual"]))
    status, body = await admin.post(PATH, BODY)
    assert (status, body["type"]) == (409, "/problems/too-many-tasks")
    await admin.delete(f"{PATH}/{again['tasks'][0]['id']}")
    monkeypatch.setattr("services.api.checklist.store.MOST_TASKS", len(empty["usual"]) - 1)
    assert (await admin.post(f"{PATH}/usual"))[0] == 409


async def test_ticks_are_kept_within_bounds(api, monkeypatch):
    monkeypatch.setattr("services.api.checklist.store.KEPT_TICKS", 2)
    admin = await api.log_in("admin")
    _, made = await admin.post(PATH, BODY)
    for note in "abc":
        _, done = await admin.post(f"{PATH}/{made['id']}/ticks", {"note": note})
    assert [tick["note"] for tick in done["ticks"]] == ["c", "b"]


async def test_while_postgres_is_away_tasks_are_known_for_a_minute(api):
    admin = await api.log_in("admin")
    await admin.post(PATH, BODY)
    await api.postgres.cut()
    status, body = await admin.get(PATH)
    assert (status, body["type"]) == (503, "/problems/storage-away")
    assert [task.name for task in api.context.checklist.known()] == ["Restore test"]
