"""A receiver that refuses our login: it is said at once, nothing is lost, and an exchanged secret mends it."""

import time

import pytest

from tests.integration.notifier.conftest import event, eventually, eventually_async, hook_config, mail_config, publish

pytestmark = pytest.mark.integration
BROKEN = "TocsinReceiverBroken"


def with_login(hook, mailbox) -> dict:
    way = {"authorization": {"credentials_file": "token"}}
    to_mail = {"matchers": [f"alertname={BROKEN}"], "receiver": "mail"}
    route = {"receiver": "hook", "group_wait": "0s", "group_interval": "1s", "routes": [to_mail]}
    given = mail_config(mailbox) | {"route": route}
    given["receivers"] += hook_config(hook, http_config=way)["receivers"]
    return given


async def test_what_was_refused_arrives_when_the_secret_is_exchanged(place, hook, mailbox, redis):
    (place.folder / "token").write_text("old")
    hook.answers = [(401, {})] * 10_000
    place.write(with_login(hook, mailbox))
    running = await place.start()
    began = time.time()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: mailbox.mails, seconds=30)
    assert mailbox.subjects == ["[CRITICAL] Receiver hook can't be reached by webhook/0"]
    assert "authentication_failed" in mailbox.mails[0].get_body(("plain",)).get_content()
    assert hook.bodies == []
    first = running.pipeline.generation

    async def read_anew() -> bool:
        (place.folder / "token").write_text("new")
        return running.pipeline.generation is not first

    await eventually_async(read_anew, seconds=30)
    hook.answers.clear()
    await eventually(lambda: hook.told == [("CeleryQueueBacklog", "firing")], seconds=30)
    assert hook.headers[0]["Authorization"] == "Bearer new"
    await eventually(lambda: len(mailbox.mails) == 2, seconds=30)
    assert mailbox.subjects[1].startswith("[RESOLVED] Receiver hook")
    reasons = [(one.result.value, one.reason) for one in running.pipeline.state.attempts.values() if one.channel]
    assert ("temporary_failure", "authentication_failed") in reasons
    assert "permanent_failure" not in {result for result, _ in reasons}


async def test_a_contact_is_told_by_the_next_channel_at_once(place, hook, mailbox, redis):
    hook.answers = [(403, {})]
    given = mail_config(mailbox)
    given["receivers"] = [{"name": "mail", "contact_configs": [{"contact": "anna"}]}]
    ways = [{"webhook": {"url": hook.url}}, {"email": {}}]
    given["contacts"] = [{"name": "anna", "email": "a@example.com", "channels": ways, "fallback_after": "1h"}]
    place.write(given)
    running = await place.start()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: mailbox.mails, seconds=30)
    results = [(one.channel, one.reason) for one in running.pipeline.state.attempts.values()]
    assert ("webhook", "fell_over") in results
    assert ("webhook", "authentication_failed") in results
