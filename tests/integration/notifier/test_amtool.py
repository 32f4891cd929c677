"""The ecosystem's own programs against a running notifier: Debian's amtool, and a Prometheus that sends."""

import asyncio
import json
import shutil
import socket
from pathlib import Path

import pytest
import yaml

from tests.integration.notifier.conftest import eventually, eventually_async, hook_config

pytestmark = pytest.mark.integration
ROUTES = {
    "group_interval": "100ms",
    "routes": [
        {"matchers": ['team="db"'], "receiver": "db", "mute_time_intervals": ["never"]},
        {"match_re": {"severity": "critical|page"}, "receiver": "pager", "continue": True},
    ],
}


def config(hook) -> dict:
    made = hook_config(hook, route=ROUTES, http_config={"authorization": {"credentials": "geheim"}}, timeout="5s")
    made["receivers"] += [{"name": "db"}, {"name": "pager", "webhook_configs": [{"url": hook.url}]}]
    made["time_intervals"] = [{"name": "never", "time_intervals": [{"years": ["1999"]}]}]
    made["inhibit_rules"] = [{"source_matchers": ["alertname=Root"], "target_matchers": ["alertname=Leaf"]}]
    return made


@pytest.fixture
async def amtool(place, hook):
    if shutil.which("amtool") is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    place.write(config(hook))
    running = await place.start()
    token = (place.folder / "secrets" / "service-token").read_text(encoding="utf-8").strip()
    login = place.folder / "http.yml"
    login.write_text(yaml.safe_dump({"authorization": {"credentials": token}}), encoding="utf-8")

    async def run(*arguments: str, code: int = 0, home: Path = place.folder) -> str:
        process = await asyncio.create_subprocess_exec(
            "amtool", f"--alertmanager.url=http://127.0.0.1:{running.port}", f"--http.config.file={login}",
            "--no-version-check", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"HOME": str(home), "USER": "anna"},
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == code, out.decode()
        return out.decode()

    return run


async def test_alerts(amtool, hook):
    await amtool("alert", "add", "alertname=Disk", "instance=a", "--annotation=summary=full")
    await amtool("alert", "add", "alertname=Root")
    await amtool("alert", "add", "alertname=Leaf", "n=1")
    await eventually(lambda: {name for name, _ in hook.told} >= {"Disk", "Root"})
    found = json.loads(await amtool("-o", "json", "alert", "query", "alertname=Disk"))
    assert [alert["annotations"] for alert in found] == [{"summary": "full"}]
    shown = await amtool("alert", "query", "--inhibited")
    assert "Leaf" in shown
    assert "Disk" not in shown
    assert "Leaf" not in await amtool("alert", "query")
    (leaf,) = json.loads(await amtool("-o", "json", "alert", "query", "--inhibited", "alertname=Leaf"))
    assert leaf["status"]["state"] == "suppressed"
    assert len(leaf["status"]["inhibitedBy"]) == 1
    assert ("Leaf", "firing") not in hook.told


async def test_silences(amtool, hook):
    given = ("alertname=Disk", "--comment=deploy", "--author=anna", "--duration=1h")
    made = (await amtool("silence", "add", *given)).strip()
    await amtool("alert", "add", "alertname=Disk", "instance=a")
    await amtool("alert", "add", "alertname=Other")
    await eventually(lambda: hook.told == [("Other", "firing")])
    assert "Disk" in await amtool("alert", "query", "--silenced")
    assert "Disk" not in await amtool("alert", "query")
    (found,) = json.loads(await amtool("-o", "json", "silence", "query", "alertname=Disk"))
    assert (found["id"], found["comment"], found["createdBy"]) == (made, "deploy", "anna")
    assert found["status"]["state"] == "active"
    updated = await amtool("silence", "update", made, "--duration=2h", "--comment=longer")
    assert "longer" in updated
    (found,) = json.loads(await amtool("-o", "json", "silence", "query"))
    assert (found["id"], found["comment"]) == (made, "longer")
    await amtool("silence", "expire", made)
    assert json.loads(await amtool("-o", "json", "silence", "query")) == []
    assert made in await amtool("silence", "query", "--expired")
    await eventually(lambda: ("Disk", "firing") in hook.told)


async def test_silences_of_a_file_are_imported(amtool, tmp_path):
    await amtool("silence", "add", "a=b", "c=~d.*", "e!=f", "--comment=x")
    saved = await amtool("-o", "json", "silence", "query")
    (silence,) = json.loads(saved)
    assert [(one["name"], one["isRegex"], one["isEqual"]) for one in silence["matchers"]] == [
        ("a", False, True), ("c", True, True), ("e", False, False)]  # fmt: skip
    await amtool("silence", "expire", silence["id"])
    file = tmp_path / "silences.json"
    file.write_text(saved, encoding="utf-8")
    await amtool("silence", "import", "--force", str(file))
    (again,) = json.loads(await amtool("-o", "json", "silence", "query"))
    assert (again["id"] != silence["id"], again["matchers"]) == (True, silence["matchers"])


async def test_a_silence_that_covers_everything_is_refused(amtool):
    assert "match" in await amtool("silence", "add", "x=~.*", "--comment=all", code=1)
    assert "404" in await amtool("silence", "expire", "5a6f1c1c-0000-4000-8000-000000000000", code=1)


async def test_the_configuration(amtool):
    shown = await amtool("config", "show")
    assert "<secret>" in shown
    assert "geheim" not in shown
    assert "db" in await amtool("config", "routes", "show")
    assert (await amtool("config", "routes", "test", "team=db")).strip() == "db"
    assert (await amtool("config", "routes", "test", "severity=page")).strip() == "pager"
    assert (await amtool("config", "routes", "test", "--verify.receivers=hook", "x=y")).strip() == "hook"


RULES = {"groups": [{"name": "g", "rules": [{"alert": "AlwaysOn", "expr": "vector(1)", "labels": {"team": "x"}}]}]}


async def test_a_prometheus_sends(place, hook, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    place.write(config(hook))
    running = await place.start()
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
    target = {"static_configs": [{"targets": [f"127.0.0.1:{running.port}"]}], "api_version": "v2"}
    target["authorization"] = {"credentials_file": str(place.folder / "secrets" / "service-token")}
    written = {
        "global": {"evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [target]},
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(written), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--web.listen-address=127.0.0.1:{port}", f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}", "--rules.alert.resend-delay=1s",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await eventually(lambda: ("AlwaysOn", "firing") in hook.told)
    finally:
        process.terminate()
        await process.wait()
    (alert,) = hook.bodies[0]["alerts"]
    assert alert["labels"] == {"alertname": "AlwaysOn", "team": "x"}

    async def listed() -> bool:
        async with place.client(running) as client:
            return len((await client.get("/api/v2/alerts")).json()) == 1

    await eventually_async(listed)
