"""Two real notifier processes over one Redis, one of them killed (kill -9) at the worst moments; doubles counted."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from redis.asyncio import Redis

from tests.integration.notifier.conftest import event, eventually, eventually_async, hook_config, publish

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]


class Copies:
    """Notifiers started as a user starts them."""

    def __init__(self, folder: Path, redis_url: str, hook) -> None:
        self.folder, self.redis_url, self.hook = folder, redis_url, hook
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, name: str, redis: Redis, given: dict | None = None, *, first: bool = False) -> None:
        settings = {"listen": "127.0.0.1:0", "instance": name, "lease": "2s", "watch_evaluator": False,
                    "config": given or hook_config(self.hook, timeout="30s"), "retry_first": "100ms"}  # fmt: skip
        config = {"data_dir": str(self.folder / "data"), "redis": {"url": self.redis_url}, "notifier": settings}
        file = self.folder / f"{name}.yml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        log = (self.folder / f"{name}.log").open("wb")
        self.processes[name] = subprocess.Popen(  # noqa: ASYNC220 - forks in a moment
            [sys.executable, "-m", "services", "notifier", "--config", str(file)], cwd=ROOT, stdout=log, stderr=log
        )
        log.close()

        async def lives() -> bool:
            if first:
                return bool((await redis.get("tocsin:notifier:lease") or b"").startswith(b"one"))
            return "listening" in (self.folder / f"{name}.log").read_text(encoding="utf-8")

        await eventually_async(lives)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)


@pytest.fixture
async def copies(tmp_path, redis_url, redis, hook):
    made = Copies(tmp_path, redis_url, hook)
    try:
        await made.start("one", redis, first=True)
        await made.start("two", redis)
        yield made
    finally:
        made.stop()


@pytest.fixture
def lone(tmp_path, redis_url, hook):
    made = Copies(tmp_path, redis_url, hook)
    yield made
    made.stop()


@pytest.mark.timeout(180)
async def test_killed_before_the_receiver_has_it(copies, hook, redis):
    """Between claim and send: the receiver got nothing whole, so the other copy's message is the only one."""
    hook.hang = asyncio.Event()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.calls == 1)
    hook.answers = [(500, {})]  # what the killed one sent is not taken
    copies.kill("one")
    hook.hang.set()
    await eventually(lambda: hook.told == [("CeleryQueueBacklog", "firing")])
    assert len(hook.bodies) == 1


@pytest.mark.timeout(180)
async def test_killed_between_the_receivers_yes_and_the_record(copies, hook, redis):
    """The receiver may get it twice then, under the same Idempotency-Key."""
    hook.hang = asyncio.Event()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.calls == 1)
    copies.processes["one"].send_signal(signal.SIGSTOP)  # it will not read the answer
    hook.hang.set()
    await eventually(lambda: len(hook.bodies) == 1)
    copies.kill("one")
    await eventually(lambda: len(hook.bodies) == 2)
    assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1
    await publish(redis, event("Next", starts_at=time.time()))
    await eventually(lambda: hook.told[-1] == ("Next", "firing"))
    assert len(hook.bodies) == 3


@pytest.mark.timeout(180)
async def test_killed_in_the_middle_of_a_storm_nothing_is_lost(copies, hook, redis):
    began, count = time.time(), 300
    await publish(redis, *[event(f"A{number}", starts_at=began) for number in range(count)])
    await eventually(lambda: len(hook.bodies) >= count // 3)
    copies.kill("one")
    await eventually(lambda: len({name for name, _ in hook.told}) == count, seconds=100)
    keys = Counter(headers["Idempotency-Key"] for headers in hook.headers)
    assert len(keys) == count  # whatever came twice bears the same key
    # The attempts under way and those not yet recorded are what may come twice.
    assert sum(keys.values()) - count <= 16 + 256


def on_call(hook, **contact) -> dict:
    """Anna, then the team; each message says by its receiver whom it is for."""
    channel = {"url": hook.url, "timeout": "30s"}
    steps = [{"notify": {"contact": "anna"}, "wait": "1h"}, {"notify": {"receiver": "team"}}]
    return {
        "route": {"receiver": "ops", "group_wait": "0s", "group_interval": "1s", "group_by": ["alertname"]},
        "receivers": [
            {"name": "ops", "escalation_configs": [{"policy": "ops"}]}, {"name": "team", "webhook_configs": [channel]},
        ],
        "contacts": [{"name": "anna", "channels": [{"webhook": channel}], **contact}],
        "escalation_policies": [{"name": "ops", "steps": steps}],
    }  # fmt: skip


def told_to(hook) -> list[tuple[str, str]]:
    return [(body["receiver"], body["status"]) for body in hook.bodies]


async def make_due(redis) -> None:
    """An hour goes by for the one escalation while nobody is there."""
    ((key, saved),) = (await redis.hgetall("tocsin:notifier:escalations")).items()
    await redis.hset("tocsin:notifier:escalations", key, json.dumps({**json.loads(saved), "next_at": time.time()}))


@pytest.mark.timeout(180)
async def test_killed_between_the_steps_of_an_escalation_and_between_claim_and_send_of_one(lone, hook, redis):
    given, began = on_call(hook), time.time()
    await lone.start("one", redis, given, first=True)
    await publish(redis, event(starts_at=began))
    await eventually(lambda: told_to(hook) == [("contact:anna", "firing")])

    async def settled() -> bool:
        return await redis.hlen("tocsin:notifier:escalations") == 1 and await redis.hlen("tocsin:notifier:outbox") == 0

    await eventually_async(settled)
    lone.kill("one")
    await make_due(redis)
    hook.hang = asyncio.Event()
    await lone.start("one", redis, given)
    await eventually(lambda: hook.calls == 2)
    hook.answers = [(500, {})]  # what the killed one sent is not taken
    lone.kill("one")
    hook.hang.set()
    await eventually(lambda: not hook.answers)
    await lone.start("one", redis, given)
    await eventually(lambda: len(hook.bodies) == 2)
    await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: len(hook.bodies) == 4)
    assert sorted(told_to(hook)) == [
        ("contact:anna", "firing"), ("contact:anna", "resolved"), ("team", "firing"), ("team", "resolved"),
    ]  # fmt: skip


@pytest.mark.timeout(180)
async def test_killed_while_quiet_hours_hold_and_while_the_digest_leaves(lone, hook, redis):
    always = {"time_zone": "UTC", "from": "00:00", "to": "00:00"}
    began = time.time()
    await lone.start("one", redis, on_call(hook, quiet_hours=[always]), first=True)
    await publish(redis, *[event(name, starts_at=began, severity="warning") for name in "AB"])

    async def held() -> bool:
        return await redis.hlen("tocsin:notifier:held") == 2

    await eventually_async(held)
    lone.kill("one")
    await publish(redis, event("B", "resolved", starts_at=began, sent_at=time.time(), severity="warning"))
    hook.hang = asyncio.Event()
    await lone.start("one", redis, on_call(hook))  # her quiet hours are over
    await eventually(lambda: hook.calls)
    hook.answers = [(500, {})] * hook.calls
    lone.kill("one")
    hook.hang.set()
    await eventually(lambda: not hook.answers)
    await lone.start("one", redis, on_call(hook))
    ends = [("A", "firing"), ("B", "resolved")]
    await eventually(lambda: all(one in hook.told for one in ends))
    assert len(hook.told) == len(set(hook.told))
    assert len({headers["Idempotency-Key"] for headers in hook.headers}) == len(hook.bodies)
