"""What goes wrong is said clearly, and nothing else stops."""

import asyncio
import json
import shutil

import pytest
import pytest_asyncio
import yaml

from demo.stack import CONFIG
from tests.e2e.system import AWAY, ROOT, System
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def log_of(system, name):
    path = system.data_dir / "log" / f"{name}.log"
    return path.read_text(errors="replace") if path.exists() else ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory):
    """The demo with rules of its own to break, a wrong password, a hanging target and a refusing SMTP server."""
    home = tmp_path_factory.mktemp("bad")
    shutil.copytree(ROOT / "rules", home / "rules")

    async def hang(reader, _writer):
        await reader.read()

    async def refuse(reader, writer):
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    refusing = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port, smtp = (server.sockets[0].getsockname()[1] for server in (hanging, refusing))
    config = yaml.safe_load(CONFIG.read_text())
    targets = config["collector"]["targets"]
    targets["postgres"].append({"name": "wrong", "dsn": "${WRONG_DSN}"})
    targets["redis"].append({"name": "hanging", "url": f"redis://127.0.0.1:{port}/0"})
    config["evaluator"]["rule_files"] = [str(home / "rules" / "*.yml")]
    config["notifier"]["config"]["global"]["smtp_smarthost"] = f"127.0.0.1:{smtp}"
    postgres = free_port()
    targets["postgres"][-1]["dsn"] = f"postgresql://tocsin:not-the-password@127.0.0.1:{postgres}/shop"
    path = home / "tocsin.yml"
    path.write_text(yaml.safe_dump(config))
    system = System(home)
    system.demo_config = path
    system.settings["embedded.postgres_listen"] = f"127.0.0.1:{postgres}"
    try:
        await system.start()
        await system.login()
        yield system
    finally:
        await system.stop()
        hanging.close()
        refusing.close()


async def test_a_wrong_password_is_down_with_a_reason_and_the_others_go_on(system):
    async def seen():
        values = {s["metric"]["target"]: s["value"][1] for s in await system.query("pg_up")}
        return values == {"shop-db": "1", "wrong": "0"}

    await until(seen)
    alert = await system.fires("PostgresDown")
    assert "wrong" in alert["description"]
    await until(lambda: "password" in log_of(system, "collector"))
    assert "not-the-password" not in log_of(system, "collector")


async def test_a_hanging_target_is_down_and_delays_nobody(system):
    async def seen():
        values = {s["metric"]["target"]: s["value"][1] for s in await system.query("redis_up")}
        return values == {"shop-redis": "1", "hanging": "0"}

    await until(seen)
    assert await system.active("ScrapeTargetDown") is None


async def test_a_refusing_mail_server_is_recorded_and_the_webhook_still_comes(system):
    alert = await system.fires("PostgresDown")

    async def hooked():
        return [m for m in await system.inbox() if m["channel"] == "webhook" and "PostgresDown" in m["subject"]]

    await until(hooked)

    async def recorded():
        timeline = (await system.get(f"alerts/{alert['id']}"))["timeline"]
        failures = [e for e in timeline if e["kind"] == "notification" and e["channel"] == "email"]
        return failures and all(e["result"] != "delivered" and e["reason"] for e in failures)

    await until(recorded)


async def test_a_broken_rule_file_keeps_the_last_good_version(system):
    file = system.home / "rules" / "redis.yml"
    good = file.read_text()
    file.write_text(good.replace("tocsin:redis_up == 0", "tocsin:redis_up == ((0"))

    async def refused():
        text = log_of(system, "evaluator")
        return "redis.yml" in text and "RedisDown" in text

    await until(refused)

    async def told_by_metric():
        return 'tocsin_config_last_reload_successful{kind="rules"} 0' in await system.text(
            "evaluator.listen", "/metrics"
        )

    await until(told_by_metric)

    async def old_version_in_force():
        try:
            return "RedisDown" in json.dumps(await system.get("rules"))
        except AWAY:
            return False

    await until(old_version_in_force)
    file.write_text(good)

    async def well_again():
        return 'tocsin_config_last_reload_successful{kind="rules"} 1' in await system.text(
            "evaluator.listen", "/metrics"
        )

    await until(well_again)


async def test_a_broken_config_names_file_line_and_mend(tmp_path):
    config = tmp_path / "tocsin.yml"
    config.write_text("collector:\n  targets:\n    postgres:\n      - name: a\n        dsm: x\n")
    system = System(tmp_path, config=config)
    text = await system.run("up", "--config", str(config), "--data-dir", str(tmp_path / "d"), code=2)
    assert "tocsin.yml:5:" in text
    assert "dsm" in text


async def test_without_a_routing_nothing_starts_and_the_file_is_named(tmp_path):
    config = tmp_path / "tocsin.yml"
    config.write_text("collector: {}\n")
    system = System(tmp_path, config=config)
    text = await system.run("up", "--config", str(config), "--data-dir", str(tmp_path / "d"), code=2)
    assert f"{tmp_path / 'alertmanager.yml'}:1:1: there is no such file" in text


async def test_a_taken_port_is_named_with_its_setting(system):
    taken = system.settings["api.listen"]
    text = await system.run(
        "up", "--demo", "--data-dir", str(system.home / "other"), "--set", f"api.listen={taken}", code=2
    )
    assert taken in text
    assert "api.listen" in text
