"""kill -9 of every part in turn during an alert's life: the story is complete and nobody is told twice."""

import os
import signal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import launch
from tests.e2e.system import AWAY, System
from tests.fixtures.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERT = "WebSocketDown"
PARTS = ("collector", "evaluator", "notifier", "api", "redis", "postgres")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory):
    system = System(tmp_path_factory.mktemp("chaos"))
    try:
        await system.start()
        await system.login()
        await until(system.watching, seconds=120, every=0.3)
        yield system
    finally:
        await system.stop()


def processes(system, part):
    if part == "redis":
        return system.pids("redis-server", of=system.settings["embedded.redis_listen"])
    if part == "postgres":
        return system.pids("postgres", "-D", f"port={system.settings['embedded.postgres_listen'].split(':')[1]}")
    return system.pids("-m services", f" {part} ")


def victim(system, part):
    pids = processes(system, part)
    assert pids, f"{part} does not run"
    return pids[0]


async def kill(system, part):
    """Kill one part and wait until another process of it is ready."""
    pid = victim(system, part)
    os.kill(pid, signal.SIGKILL)

    def replaced():
        return [p for p in processes(system, part) if p != pid]

    await until(replaced)

    async def all_ready():
        try:
            health = await system.get("health/services")
        except AWAY:
            return False
        return not health["missing_services"] and all(s["ready"] for s in health["services"])

    await until(all_ready, every=0.3)


async def told(system, word):
    return [m for m in await system.mails(word) if "WebSocket feed does not answer" in m["subject"]]


@pytest.mark.parametrize("part", PARTS)
async def test_a_killed_part_comes_back_and_the_story_is_whole(system, part):
    before_firing, before_resolved = len(await told(system, "CRITICAL")), len(await told(system, "RESOLVED"))
    await system.demo("break", "websocket")
    alert = await system.fires(ALERT)

    async def one_more(word, before):
        return len(await told(system, word)) == before + 1

    await until(lambda: one_more("CRITICAL", before_firing))

    async def recorded():
        # Between a mail server's acceptance and our record a crash must send again (with the same Message-ID);
        # here the kill comes after the record.
        timeline = (await system.get(f"alerts/{alert['id']}"))["timeline"]
        return [e for e in timeline if e["kind"] == "notification" and e["channel"] == "email"]

    await until(recorded)
    await kill(system, part)
    still = await system.fires(ALERT)
    assert still["id"] == alert["id"], "a restart begins no new episode"
    await system.acknowledge(alert["id"], comment=f"after the kill of {part}")
    await system.demo("heal", "websocket")
    await system.resolves(ALERT)
    await until(lambda: one_more("RESOLVED", before_resolved))
    after = await system.get(f"alerts/{alert['id']}")
    assert after["status"] == "resolved"
    assert after["acknowledged"]["comment"] == f"after the kill of {part}"
    assert len(await told(system, "CRITICAL")) == before_firing + 1


@pytest.mark.parametrize("part", ["evaluator", "notifier", "redis"])
async def test_a_breach_while_a_part_is_down_is_told_when_it_is_back(system, part):
    before = len(await told(system, "CRITICAL")), len(await told(system, "RESOLVED"))
    # The feed goes silent within half a second of the switch: by then the part is dead.
    await system.demo("break", "websocket")
    os.kill(victim(system, part), signal.SIGKILL)
    await system.fires(ALERT)

    async def told_once():
        return len(await told(system, "CRITICAL")) == before[0] + 1

    await until(told_once)
    await system.demo("heal", "websocket")
    await system.resolves(ALERT)

    async def resolved_once():
        return len(await told(system, "RESOLVED")) == before[1] + 1

    await until(resolved_once)
    assert await told_once()


async def test_an_open_page_comes_back_after_the_api_was_killed(system):
    async with launch() as browser:
        page = await browser.new_page()
        page.set_default_timeout(60_000)
        await page.goto(system.url("api.listen"))
        await page.get_by_label("User name").fill("admin")
        await page.get_by_label("Password").fill(system.password)
        await page.keyboard.press("Enter")
        live = page.locator(".pill")
        await expect(live).to_have_text("Live", timeout=60_000)
        await page.evaluate("window.opened = true")
        os.kill(victim(system, "api"), signal.SIGKILL)
        await expect(live).not_to_have_text("Live", timeout=60_000)
        await expect(live).to_have_text("Live", timeout=60_000)
        # What happens from now on reaches the same page, which was not loaded anew.
        await system.demo("break", "websocket")
        alert = await system.fires(ALERT)
        await expect(page.locator(f'[data-alert="{alert["id"]}"]')).to_be_visible(timeout=60_000)
        assert await page.evaluate("window.opened")
        await system.demo("heal", "websocket")
        await system.resolves(ALERT)
