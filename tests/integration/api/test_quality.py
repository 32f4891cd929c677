"""Audits on a real Postgres: reports of real tools are posted as CI does, and the configured command is run."""

import asyncio
import gzip
import sys
from pathlib import Path

import pytest

from services.api.quality.folder import MAX_REPORT
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/quality"
SAMPLES = Path(__file__).parents[2] / "unit" / "api" / "quality" / "samples"
FILES = {
    "bandit": "bandit.json", "coverage": "coverage.xml", "junit": "junit.xml", "mypy": "mypy.txt",
    "pip-audit": "pip-audit.json", "radon-cc": "radon-cc.json", "radon-mi": "radon-mi.json", "ruff": "ruff.json",
}  # fmt: skip
BODY = {"commit": "4f2a91c", "branch": "main", "lines_of_code": 44, "at": 1_700_000_000}


async def send(page, path, raw):
    headers = {"X-CSRF-Token": page.csrf, "Content-Type": "application/octet-stream"}
    async with page.http.post(path, data=raw, headers=headers) as answer:
        return answer.status, await answer.json()


async def begin(page, **more):
    status, made = await page.post(f"{PATH}/audits", BODY | more)
    assert status == 201, made
    return f"{PATH}/audits/{made['id']}"


async def whole(page, **more):
    address = await begin(page, **more)
    for kind, name in FILES.items():
        status, taken = await send(page, f"{address}/reports/{kind}", (SAMPLES / name).read_bytes())
        assert status == 200, taken
    return (await page.post(f"{address}/finish"))[1]


async def test_an_audit_from_ci(api):
    admin = await api.log_in("admin")
    _, token = await admin.post("/api/admin/tokens", {"name": "ci", "role": "operator"})
    ci, viewer = await api.visitor(Authorization=f"Bearer {token['token']}"), await api.log_in("viewer")
    assert (await viewer.get(PATH))[1]["audit"] is None
    first = await whole(ci)
    assert first["created_by"] == "token:ci"
    _, shown = await viewer.get(PATH)
    assert (shown["audit"], shown["overall_change"], shown["branches"]) == (first, None, ["main"])
    assert [part["score"] for part in shown["parts"]] == [first[part["key"]] for part in shown["parts"]]
    lost = [item["lost"] for item in shown["items"]]
    assert lost == sorted(lost, reverse=True)
    assert sum(lost) == pytest.approx(10 - first["overall"])
    assert shown["findings"][0]["severity"] == "critical"
    assert {"file": "shop/pay.py", "line": 7}.items() <= next(
        one for one in shown["findings"] if one["rule"] == "B602"
    ).items()
    assert [one["package"] for one in shown["vulnerabilities"]] == ["flask", "flask", "pip"]
    _, text = await viewer.get("/metrics")
    assert (
        'tocsin_quality_vulnerabilities{fixed_version="1.0",installed="0.5",package="flask",severity="unknown"} 2.0'
        in text
    )

    second = await whole(ci, at=BODY["at"] + 60, commit="77", lines_of_code=4400)
    _, shown = await viewer.get(PATH)
    assert [one["commit"] for one in shown["trend"]] == ["4f2a91c", "77"]
    assert shown["overall_change"] == pytest.approx(second["overall"] - first["overall"])
    assert shown["overall_change"] > 0
    await whole(ci, branch="feature/x")
    assert (await viewer.get(PATH))[1]["audit"]["commit"] == "77"
    _, other = await viewer.get(PATH, params={"branch": "feature/x"})
    assert (other["audit"]["branch"], len(other["trend"])) == ("feature/x", 1)
    assert (await admin.delete(f"{PATH}/audits/{second['id']}"))[0] == 204
    assert (await viewer.get(PATH))[1]["audit"]["commit"] == "4f2a91c"
    assert (await admin.delete(f"{PATH}/audits/{second['id']}"))[0] == 404
    log = await api.sql("SELECT actor, action, target FROM audit_log WHERE action LIKE 'quality%' ORDER BY id")
    assert [tuple(row) for row in log][:2] == [
        ("token:ci", "quality_audit_begun", "4f2a91c"),
        ("token:ci", "quality_report_posted", "4f2a91c"),
    ]
    assert ("token:ci", "quality_audit_finished", "4f2a91c") in [tuple(row) for row in log]
    assert tuple(log[-1]) == ("admin", "quality_audit_deleted", "77")


async def test_an_audit_without_pip_audit_ends_no_alert(api):
    page = await api.log_in("operator")
    await whole(page)
    address = await begin(page, at=BODY["at"] + 60)
    await page.post(f"{address}/finish")
    _, shown = await page.get(PATH)
    assert shown["audit"]["at"] == BODY["at"] + 60
    assert (len(shown["vulnerabilities"]), shown["vulnerabilities_at"]) == (3, BODY["at"])
    osv = (SAMPLES / "osv-scanner.json").read_bytes()
    address = await begin(page, at=BODY["at"] + 120)
    assert (await send(page, f"{address}/reports/osv-scanner", osv))[1]["vulnerabilities"] == 4
    await page.post(f"{address}/finish")
    _, shown = await page.get(PATH)
    assert shown["vulnerabilities_at"] == BODY["at"] + 120
    assert [(one["package"], one["severity"]) for one in shown["vulnerabilities"]] == [
        ("flask", "high"), ("lodash", "high"), ("flask", "unknown"), ("lodash", "unknown"), ("pip", "unknown"),
        ("minimist", "medium"),
    ]  # fmt: skip
    _, text = await page.get("/metrics")
    assert (
        'tocsin_quality_vulnerabilities{fixed_version="1.0",installed="0.5",package="flask",severity="high"} 2.0'
        in text
    )


async def test_a_missing_report_is_named_and_a_second_one_replaces(api):
    page = await api.log_in("operator")
    address = await begin(page)
    for text in (b'[{"code": "F401", "message": "x"}]', b"[]"):
        status, taken = await send(page, f"{address}/reports/ruff", text)
        assert status == 200
    assert taken == {"kind": "ruff", "tool": "", "findings": {}, "vulnerabilities": 0}
    _, finished = await page.post(f"{address}/finish")
    assert [finished[part] for part in ("overall", "architecture", "security")] == [None, None, None]
    _, shown = await page.get(PATH)
    missing = {part["key"]: part["missing"] for part in shown["parts"]}
    assert missing == {
        "architecture": ["radon-cc", "radon-mi", "mypy"], "security": ["bandit", "pip-audit"],
        "performance": ["junit"], "testing": ["coverage", "junit"],
    }  # fmt: skip
    assert (shown["findings"], shown["vulnerabilities_at"]) == ([], None)
    for work in (page.post(f"{address}/finish"), send(page, f"{address}/reports/ruff", b"[]")):
        status, body = await work
        assert (status, body["type"]) == (409, "/problems/audit-finished")


async def test_bad_reports_are_refused(api, monkeypatch):
    page = await api.log_in("operator")
    address = await begin(page)
    status, body = await send(page, f"{address}/reports/junit", b"<testsuite>\n<testcase time='soon'/></testsuite>")
    assert (status, body["type"]) == (400, "/problems/bad-report")
    assert body["detail"] == "The junit report: line 2: time='soon' is no number."
    assert body["mend"] == "Send the file of pytest --junit-xml=junit.xml."
    status, body = await send(
        page, f"{address}/reports/junit", b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite>&b;</testsuite>'
    )
    assert (status, body["type"]) == (400, "/problems/bad-report")
    assert (await send(page, f"{address}/reports/pylint", b"[]"))[1]["type"] == "/problems/unknown-report"
    assert (await send(page, f"{PATH}/audits/999/reports/ruff", b"[]"))[1]["type"] == "/problems/unknown-audit"
    for gone in ("999", "x"):
        assert (await page.post(f"{PATH}/audits/{gone}/finish"))[0] == 404
    for wrong in ({"commit": "a b"}, {"lines_of_code": 0}, {"branch": ""}, {"lines_of_code": None}, {"at": 9e9}):
        assert (await page.post(f"{PATH}/audits", BODY | wrong))[0] == 400
    log = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t%s"}}, "results": []}]}'
    monkeypatch.setattr("services.api.quality.store.MOST_REPORTS", 2)
    found = [(await send(page, f"{address}/reports/sarif", (log % tool).encode()))[0] for tool in "abbac"]
    assert found == [200, 200, 200, 200, 409]


async def test_a_report_may_be_large_but_not_endless(api):
    page = await api.log_in("operator")
    address = await begin(page)
    large = b"[]" + b" " * (1024**2)
    assert (await send(page, f"{address}/reports/ruff", large))[0] == 200
    status, body = await send(page, f"{address}/reports/ruff", b"[" + b" " * MAX_REPORT)
    assert (status, body["type"]) == (413, "/problems/too-large")
    status, body = await page.post(f"{PATH}/audits", BODY | {"branch": "x" * 100_000})
    assert status == 413


async def test_a_compressed_report_counts_as_it_is_without(api):
    page = await api.log_in("operator")
    address = await begin(page)
    headers = {"X-CSRF-Token": page.csrf, "Content-Encoding": "gzip"}
    for raw, status in ((b"[]" + b" " * 200_000, 200), (b"[]" + b" " * MAX_REPORT, 413)):
        packed = gzip.compress(raw)
        assert len(packed) < 65_536
        async with page.http.post(f"{address}/reports/ruff", data=packed, headers=headers) as answer:
            assert answer.status == status


async def test_of_two_at_once_one_finishes_and_one_runs(api):
    page = await api.log_in("operator")
    store = api.context.quality.store
    audit_id = int((await begin(page)).rpartition("/")[2])
    finished = await asyncio.gather(*(store.finish(audit_id, "ci") for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in finished) == ["Audit", *["AuditFinishedError"] * 3]
    begun = await asyncio.gather(*(store.start_run("ada", "x", 60.0) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in begun) == ["AuditRun", *["RunningError"] * 3]


async def test_old_and_unfinished_audits_are_forgotten(api):
    page = await api.log_in("operator")
    await whole(page, at=None)
    await whole(page)
    await begin(page, at=None, commit="left")
    await api.sql("UPDATE quality_audits SET created_at = now() - interval '2 days'")
    await api.context.quality.store.forget(86_400.0)
    assert [row["commit"] for row in await api.sql("SELECT commit FROM quality_audits")] == ["4f2a91c"]


async def started(stand, command, **more):
    """The API with an audit command of Python, and a page of an admin."""
    await stand.stop()
    stand.settings = {**stand.settings, "quality": {"audit_command": [sys.executable, "-c", command], **more}}
    await stand.start()
    return await stand.log_in("admin")


async def test_the_command_fills_a_folder(api, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_API", "hidden")
    page = await api.log_in("admin")
    status, body = await page.post(f"{PATH}/run")
    assert (status, body["type"]) == (409, "/problems/no-audit-command")
    command = f"""
import json, os, pathlib, shutil
folder = pathlib.Path(os.environ["TOCSIN_AUDIT_DIR"])
(folder / "audit.json").write_text(json.dumps({{"commit": "77", "branch": "main", "lines_of_code": 44}}))
shutil.copy({str(SAMPLES / "ruff.json")!r}, folder)
print("x" * 100_000, sorted(os.environ), "\\0")
"""
    page = await started(api, command, audit_environment={"MORE": "1"})
    assert (await page.get(PATH))[1]["can_run"] is True
    status, run = await page.post(f"{PATH}/run")
    assert (status, run["result"], run["started_by"]) == (202, "running", "admin")
    await api.context.audit_runner.wait()
    _, state = await page.get(f"{PATH}/run")
    run = state["run"]
    assert (run["result"], run["exit_code"], run["detail"]) == ("done", 0, "")
    assert "'HOME', " in run["output"]
    assert "'MORE', 'PATH', 'TOCSIN_AUDIT_DIR'" in run["output"]
    assert "SECRET_OF_THE_API" not in run["output"]
    assert run["output"].endswith(" \ufffd\n")
    assert len(run["output"]) <= 65_536
    _, shown = await page.get(PATH)
    assert (shown["audit"]["id"], shown["audit"]["commit"]) == (run["audit_id"], "77")
    log = await api.sql("SELECT actor FROM audit_log WHERE action = 'quality_run_started'")
    assert [row["actor"] for row in log] == ["admin"]


@pytest.mark.parametrize(
    ("command", "result", "part"),
    [
        ("import sys; print('no tool'); sys.exit(3)", "failed", "exit code 3"),
        ("pass", "no_reports", "audit.json is missing"),
    ],
)
async def test_a_command_that_fails_is_told(api, command, result, part):
    page = await started(api, command)
    await page.post(f"{PATH}/run")
    await api.context.audit_runner.wait()
    run = (await page.get(f"{PATH}/run"))[1]["run"]
    assert run["result"] == result
    assert part in run["detail"]
    assert (await page.get(PATH))[1]["audit"] is None


async def test_a_command_that_is_not_there_is_told(api):
    await api.stop()
    api.settings = {"quality": {"audit_command": ["/no/such/program"]}}
    await api.start()
    page = await api.log_in("admin")
    await page.post(f"{PATH}/run")
    await api.context.audit_runner.wait()
    run = (await page.get(f"{PATH}/run"))[1]["run"]
    assert (run["result"], run["detail"]) == ("failed", "The command can't be started: No such file or directory.")


# Starts a child that outlives it unless the whole group is ended, says both pids, and hangs.
HANGS = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({pids!r}).write_text(str(child.pid))
time.sleep(600)
"""


async def _child(path):
    await until(lambda: path.exists() and path.read_text() != "", seconds=60)
    return Path("/proc") / path.read_text()


def _gone(process):
    # Without a reaper of orphans in the test's container a dead child may stay as a zombie.
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_one_runs_at_a_time_and_the_stop_of_the_api_ends_all_of_it(api, tmp_path):
    pids = tmp_path / "pids"
    page = await started(api, HANGS.format(pids=str(pids)))
    await page.post(f"{PATH}/run")
    child = await _child(pids)
    status, body = await page.post(f"{PATH}/run")
    assert (status, body["type"]) == (409, "/problems/audit-runs")
    await api.stop()
    await until(lambda: _gone(child), seconds=60)
    rows = await api.sql("SELECT result, detail FROM quality_runs")
    assert [tuple(row) for row in rows] == [("lost", "The API was stopped before the command ended.")]


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(api, tmp_path):
    pids = tmp_path / "pids"
    page = await started(api, HANGS.format(pids=str(pids)), audit_timeout="1s")
    await page.post(f"{PATH}/run")
    await asyncio.wait_for(api.context.audit_runner.wait(), 60)
    run = (await page.get(f"{PATH}/run"))[1]["run"]
    assert (run["result"], run["exit_code"]) == ("timed_out", None)
    if pids.exists():
        child = await _child(pids)
        await until(lambda: _gone(child), seconds=60)


async def test_a_run_whose_api_died_is_taken_for_lost_when_its_time_is_over(api):
    page = await started(api, "pass", audit_timeout="1s")
    await api.sql("INSERT INTO quality_runs (started_at, started_by) VALUES (now(), 'ada')")
    assert (await page.post(f"{PATH}/run"))[0] == 409
    await api.sql("UPDATE quality_runs SET started_at = now() - interval '1 hour'")
    assert (await page.post(f"{PATH}/run"))[0] == 202
    await api.context.audit_runner.wait()
    rows = await api.sql("SELECT result FROM quality_runs ORDER BY id")
    assert [row["result"] for row in rows] == ["lost", "no_reports"]
