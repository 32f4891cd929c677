"""Heartbeat checks on a real Postgres, and the client library's jobs that report to them."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from tests.fixtures.waiting import until
from tocsin_client.jobs import Job

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/checks"
BODY = {"name": "backup", "period_seconds": 3600, "grace_seconds": 60}


async def make(page, **more):
    status, made = await page.post(PATH, BODY | more)
    assert status == 201, made
    return made, "/ping/" + made["ping_url"].rpartition("/")[2]


async def detail(page, made):
    status, found = await page.get(f"{PATH}/{made['id']}")
    assert status == 200
    return found


async def text(page, path, method="GET", data=None):
    async with page.http.request(method, path, data=data) as answer:
        return answer.status, await answer.text()


async def test_a_job_reports_its_life(api):
    operator, job = await api.log_in("operator"), await api.visitor()
    made, address = await make(operator, description="Of the shop's database")
    assert made["ping_url"] == f"{api.external_url}{address}"
    assert (made["state"], made["due_at"], made["created_by"]) == ("new", None, "operator")
    assert await text(job, f"{address}/start") == (200, "OK\n")
    found = await detail(operator, made)
    assert (found["state"], found["running_since"] is not None) == ("started", True)
    assert await text(job, f"{address}/log", "POST", "half\x00way") == (200, "OK\n")
    assert await text(job, address, "POST", "x" * 20_000) == (200, "OK\n")
    found = await detail(operator, made)
    assert (found["state"], found["running_since"]) == ("up", None)
    assert found["due_at"] == pytest.approx(found["last_success_at"] + 3600)
    assert found["last_seconds"] >= 0
    assert [(ping["kind"], len(ping["log"])) for ping in found["pings"]] == [
        ("success", 10_000),
        ("log", 8),
        ("start", 0),
    ]
    assert found["pings"][1]["log"] == "half\ufffdway"
    assert found["pings"][0]["seconds"] == pytest.approx(found["last_seconds"])
    assert await text(job, f"{address}/fail", "POST", "disk full") == (200, "OK\n")
    found = await detail(operator, made)
    assert (found["state"], found["reason"], found["pings"][0]["seconds"]) == ("down", "failed", None)
    assert (await text(job, f"{address}/0"))[0] == 200
    assert (await detail(operator, made))["state"] == "up"
    assert (await text(job, f"{address}/7"))[0] == 200
    assert (await detail(operator, made))["state"] == "down"


async def test_a_job_that_dies_and_starts_again_is_seen(api):
    operator, job = await api.log_in("operator"), await api.visitor()
    made, address = await make(operator)
    await text(job, f"{address}/start")
    first = (await detail(operator, made))["running_since"]
    await text(job, f"{address}/start")
    assert (await detail(operator, made))["running_since"] == first
    await api.sql("UPDATE checks SET running_since = running_since - interval '2 minutes'")
    found = await detail(operator, made)
    assert (found["state"], found["reason"]) == ("down", "overran")


async def test_wrong_reports_are_refused(api):
    operator, job = await api.log_in("operator"), await api.visitor()
    _, address = await make(operator)
    for path in (
        "/ping/wrong",
        f"/ping/{'x' * 500}",
        "/ping/%00",
        f"{address}/stop",
        f"{address}/1000",
        f"{address}/²",
    ):
        for method in ("GET", "POST"):
            assert (await text(job, path, method))[0] == 404, path
    assert (await text(job, address, "POST", b"x" * (1024**2 + 1)))[0] == 413
    assert (await text(job, address, "PUT"))[0] in {404, 405}


async def test_the_key_is_stored_as_its_hash_and_can_be_renewed(api):
    operator, job = await api.log_in("operator"), await api.visitor()
    made, address = await make(operator)
    stored = await api.sql("SELECT checks::text FROM checks")
    assert address.rpartition("/")[2] not in stored[0][0]
    _, listed = await operator.get(PATH)
    assert [sorted({*check} & {"ping_url", "key_hash", "pings"}) for check in listed["checks"]] == [[]]
    status, renewed = await operator.post(f"{PATH}/{made['id']}/key")
    assert (status, renewed["id"]) == (200, made["id"])
    assert (await text(job, address))[0] == 404
    assert (await text(job, "/ping/" + renewed["ping_url"].rpartition("/")[2]))[0] == 200


async def test_checks_are_changed_deleted_and_audited(api):
    operator = await api.log_in("operator")
    made, address = await make(operator)
    await make(operator, name="archive", period_seconds=None, schedule="0 3 * * *", timezone="Europe/Berlin")
    assert (await operator.post(PATH, BODY))[0] == 409

    async def put(path, body):
        headers = {"X-CSRF-Token": operator.csrf}
        async with operator.http.put(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    await text(operator, address)
    status, changed = await put(f"{PATH}/{made['id']}", BODY | {"name": "nightly", "grace_seconds": 90})
    assert (status, changed["name"], changed["grace_seconds"], changed["state"]) == (200, "nightly", 90, "up")
    assert (await put(f"{PATH}/{made['id']}", BODY | {"name": "archive"}))[0] == 409
    assert (await put(f"{PATH}/999", BODY))[0] == 404
    _, listed = await operator.get(PATH)
    assert [(check["name"], check["schedule"]) for check in listed["checks"]] == [
        ("archive", "0 3 * * *"), ("nightly", None),
    ]  # fmt: skip
    assert (await operator.delete(f"{PATH}/{made['id']}"))[0] == 204
    for gone in (made["id"], "no-number"):
        assert (await operator.delete(f"{PATH}/{gone}"))[0] == 404
        assert (await operator.get(f"{PATH}/{gone}"))[0] == 404
        assert (await operator.post(f"{PATH}/{gone}/key"))[0] == 404
    assert await api.sql("SELECT 1 FROM check_pings") == []
    audit = await api.sql("SELECT action, target FROM audit_log WHERE action LIKE 'check%' ORDER BY id")
    assert [row["action"] for row in audit] == ["check_created", "check_created", "check_changed", "check_deleted"]


async def test_wrong_checks_are_refused_with_the_reason(api):
    operator = await api.log_in("operator")
    for change, said in [
        ({"schedule": "0 3 * * *"}, "either period_seconds or schedule"),
        ({"period_seconds": None}, "either period_seconds or schedule"),
        ({"period_seconds": None, "schedule": "0 3 * *"}, "five fields"),
        ({"period_seconds": None, "schedule": "0 0 30 2 *"}, "never occurs"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"grace_seconds": 0}, "grace_seconds"),
        ({"name": "a\nb"}, "name"),
        ({"description": "a\x00b"}, "description"),
    ]:
        status, body = await operator.post(PATH, BODY | change)
        assert (status, said in body["detail"]) == (400, True), body


async def test_there_is_an_end_to_checks_and_to_kept_reports(api, monkeypatch):
    monkeypatch.setattr("services.api.checks.store.MOST_CHECKS", 1)
    monkeypatch.setattr("services.api.checks.store.KEPT_PINGS", 3)
    operator = await api.log_in("operator")
    made, address = await make(operator)
    status, body = await operator.post(PATH, BODY | {"name": "more"})
    assert (status, body["type"]) == (409, "/problems/too-many-checks")
    for code in range(5):
        await text(operator, f"{address}/log", "POST", str(code))
    assert [ping["log"] for ping in (await detail(operator, made))["pings"]] == ["4", "3", "2"]


async def test_the_state_is_on_the_metrics_page(api, monkeypatch):
    monkeypatch.setattr("services.api.checks.book.REFRESH", 0.05)
    await api.stop()
    await api.start()
    await until(lambda: api.running.ready() == "")
    operator = await api.log_in("operator")
    _, address = await make(operator)

    async def shows(line):
        return line in (await operator.get("/metrics"))[1]

    for report, line in (("", 'tocsin_check_up{check="backup"} 1.0'), ("/fail", 'tocsin_check_up{check="backup"} 0.0')):
        await text(operator, address + report)
        await until(lambda line=line: shows(line))


async def test_reports_are_taken_while_postgres_is_away(api, monkeypatch):
    monkeypatch.setattr("services.api.checks.book.REFRESH", 0.05)
    await api.stop()
    await api.start()
    await until(lambda: api.running.ready() == "")
    operator, job = await api.log_in("operator"), await api.visitor()
    _, address = await make(operator)
    await until(lambda: api.context.checks._keys)
    await api.postgres.cut()
    assert await text(job, address) == (200, "OK\n")
    assert (await text(job, "/ping/unknown"))[0] == 503
    await api.postgres.mend()

    async def stored():
        return len(await api.sql("SELECT 1 FROM check_pings")) == 1

    await until(stored)


async def test_the_client_librarys_jobs_report(api):
    operator = await api.log_in("operator")
    made, address = await make(operator)
    registry = CollectorRegistry()
    job = Job("backup", ping_url=api.url + address, registry=registry)

    async with job.run_async():
        await asyncio.to_thread(job.log, "10 tables")
        assert (await detail(operator, made))["state"] == "started"
    with pytest.raises(ZeroDivisionError):
        async with job.run_async():
            raise ZeroDivisionError("no rows")
    found = await detail(operator, made)
    assert (found["state"], found["reason"]) == ("down", "failed")
    assert [(ping["kind"], ping["log"]) for ping in found["pings"]] == [
        ("fail", "ZeroDivisionError: no rows"), ("start", ""), ("success", ""), ("log", "10 tables"), ("start", ""),
    ]  # fmt: skip
    assert registry.get_sample_value("job_ping_failures_total", {"job_name": "backup"}) in {None, 0.0}
