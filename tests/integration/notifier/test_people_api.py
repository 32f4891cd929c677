"""What the API asks the notifier about people, over HTTP, with a real Redis and a real mail server."""

import time

import httpx
import pytest

from services.common.people import OVERRIDES_KEY, PEOPLE_KEY, Takeover
from services.common.people_shown import PEOPLE_PATH, REFRESH_PATH, TEST_PATH, People, TrialResults
from tests.integration.notifier.conftest import event, eventually, publish
from tests.integration.notifier.test_people import config, rcpt

pytestmark = pytest.mark.integration


async def test_choices_and_takeovers_are_in_force_at_once(place, mailbox, redis):
    place.write(config(mailbox))
    running = await place.start()
    async with place.client(running) as client:
        before = People.model_validate_json((await client.get(PEOPLE_PATH)).content)
        assert before.schedules[0].on_call == ("anna",)
        assert before.contacts[0].place.endswith("alertmanager.yml:2")
        assert before.receivers == ("ops",)
        now = time.time()
        one = Takeover(schedule="primary", contact="bert", starts_at=now - 60, ends_at=now + 3600)
        await redis.hset(OVERRIDES_KEY, mapping={"1": one.model_dump_json(), "2": "nonsense"})
        await redis.hset(PEOPLE_KEY, mapping={"anna": '{"deliver": "all"}', "dora": "{}"})
        after = People.model_validate_json((await client.post(REFRESH_PATH)).content)
    assert after.schedules[0].on_call == ("bert",)
    assert [override.id for override in after.schedules[0].overrides] == ["1"]
    assert (after.contacts[0].now.deliver, after.contacts[0].file.deliver) == ("all", "first")
    # Messages go by it too, not only what is shown.
    assert running.pipeline.engine.posting.directory.schedules["primary"].on_call(now) == ("bert",)
    value = running.telemetry.registry.get_sample_value
    assert (value("tocsin_notifier_overrides_ignored"), value("tocsin_notifier_preferences_ignored")) == (1, 1)
    await publish(redis, event(starts_at=now))
    await eventually(lambda: rcpt(mailbox) == ["bert@example.com"])
    await redis.delete(OVERRIDES_KEY)
    await eventually(lambda: running.pipeline.directory().schedules["primary"].on_call(now) == ("anna",))


async def test_test_messages_and_what_the_provider_said(place, mailbox):
    place.write(config(mailbox))
    running = await place.start()
    async with place.client(running) as client:
        answer = await client.post(TEST_PATH, json={"contact": "anna", "by": "root"})
        (good,) = TrialResults.model_validate_json(answer.content).results
        assert (good.receiver, good.channel, good.recipient, good.ok) == (
            "contact:anna", "email/0", "anna@example.com", True,
        )  # fmt: skip
        assert mailbox.subjects == ["[TEST] Test notification"]
        mailbox.rcpt_answers = ["550 no such user"]
        answer = await client.post(TEST_PATH, json={"receiver": "ops", "by": "root"})
        results = TrialResults.model_validate_json(answer.content).results
        assert sorted((one.receiver, one.ok) for one in results) == [
            ("contact:anna", False),
            ("contact:bert", True),
        ] or (sorted((one.receiver, one.ok) for one in results) == [("contact:anna", True), ("contact:bert", False)])
        assert "550" in next(one.answer for one in results if not one.ok)
        assert running.pipeline.generation.users == 0
        for body, status in (
            ({"contact": "dora", "by": "root"}, 404),
            ({"receiver": "dora", "by": "root"}, 404),
            ({"by": "root"}, 400),
            ({"contact": "anna", "receiver": "ops", "by": "root"}, 400),
            ({"contact": 1, "by": "root"}, 400),
        ):
            assert (await client.post(TEST_PATH, json=body)).status_code == status, body


async def test_nobody_asks_without_the_service_token(place, mailbox):
    place.write(config(mailbox))
    running = await place.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as client:
        assert (await client.get(PEOPLE_PATH)).status_code == 401
        assert (await client.post(REFRESH_PATH)).status_code == 401
        assert (await client.post(TEST_PATH, json={"contact": "anna", "by": "x"})).status_code == 401
    assert mailbox.mails == []
