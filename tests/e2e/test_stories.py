"""One story for each fault: broken for real, seen, told, healed, told again, and kept in the history."""

import asyncio

import pytest
import pytest_asyncio

from demo.faults import FAULTS, find
from tests.fixtures.waiting import until

in_one_loop = pytest.mark.asyncio(loop_scope="module")

# Faults of one wave don't hide each other; two waves take less time than eight stories one after the other.
WAVES = (
    ("celery", "payments", "api-errors", "redis-memory", "websocket"),
    ("api-slow", "db-connections", "db-lock"),
)


def test_the_waves_have_every_fault():
    assert sorted(name for wave in WAVES for name in wave) == sorted(fault.name for fault in FAULTS)


class Waves:
    """Runs the waves in the background; a test awaits its own fault's story."""

    def __init__(self, system):
        self.system = system
        self.stories = {fault.name: asyncio.get_running_loop().create_future() for fault in FAULTS}

    async def run(self):
        try:
            await until(self.system.watching, seconds=120, every=0.3)
        except AssertionError as error:
            for story in self.stories.values():
                story.set_exception(error)
        else:
            for wave in WAVES:
                await asyncio.gather(*(self._story(name) for name in wave))

    async def _story(self, name):
        try:
            self.stories[name].set_result(await tell(self.system, name))
        except BaseException as error:  # noqa: BLE001 - handed to the test that awaits this story
            self.stories[name].set_exception(error)


def mails_in(alert):
    return [e for e in alert["timeline"] if e["kind"] == "notification" and e["channel"] == "email"]


async def tell(system, name):
    alert_name = find(name).alert
    await system.demo("break", name)
    alert = await system.fires(alert_name)

    async def told():
        return await system.mails(alert["summary"], alert["id"])

    await until(told)
    acknowledged = await system.acknowledge(alert["id"], comment=f"on it: {name}")
    await system.demo("heal", name)
    await system.resolves(alert_name)

    async def told_again():
        return await system.mails("RESOLVED", alert["summary"])

    await until(told_again)

    async def recorded():
        return len(mails_in(await system.get(f"alerts/{alert['id']}"))) == 2

    await until(recorded)
    return {"alert": alert, "acknowledged": acknowledged, "after": await system.get(f"alerts/{alert['id']}")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def waves(shop):
    waves = Waves(shop)
    task = asyncio.create_task(waves.run())
    yield waves
    task.cancel()
    for story in waves.stories.values():
        story.cancel()


@in_one_loop
@pytest.mark.parametrize("name", [name for wave in WAVES for name in wave])
async def test_a_fault_is_seen_told_acknowledged_healed_and_remembered(shop, waves, name):
    story = await waves.stories[name]
    alert, after = story["alert"], story["after"]
    assert alert["severity"] in ("critical", "warning")
    assert alert["description"]
    assert alert["action"]
    assert story["acknowledged"]["acknowledged"]["by"] == "admin"
    assert after["status"] == "resolved"
    assert after["acknowledged"]["comment"] == f"on it: {name}"
    assert after["ends_at"] >= after["starts_at"] >= after["active_at"]
    kinds = [entry["kind"] for entry in after["timeline"]]
    assert kinds.index("firing") < kinds.index("acknowledged") < kinds.index("resolved")
    # One mail when it fired, one when it resolved.
    assert [e["result"] for e in mails_in(after)] == ["delivered", "delivered"]


@in_one_loop
async def test_each_message_came_once(shop, waves):
    for story in waves.stories.values():
        await story
    mails = [m for m in await shop.inbox() if m["channel"] == "email"]
    ids = [m["message_id"] for m in mails]
    assert len(set(ids)) == len(ids)
