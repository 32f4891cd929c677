"""Slack's requests, to the letter, and its signed calls. Source: docs.slack.dev."""

import hashlib
import hmac
import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.kit.inbound import Call, CallRefusedError
from services.notifier.channels.slack import SlackConfig
from services.notifier.grouping import Cause
from tests.integration.notifier.channels.catalog import OTHER, SECRET
from tests.integration.notifier.channels.conftest import acknowledged, told

pytestmark = pytest.mark.integration
NOW = 1_700_000_000.0


def button(seen) -> dict | None:
    blocks = seen.json["attachments"][-1].get("blocks", [])
    return next((block["elements"][0] for block in blocks if block["type"] == "actions"), None)


def footer(seen) -> str:
    return seen.json["attachments"][-1]["blocks"][0]["elements"][0]["text"]


async def test_a_webhook_gets_alertmanagers_message(standin, build):
    integration = build(
        "slack", app_token=None, signing_secret=None, channel=None, api_url=f"{standin.url}/services/T/B/{SECRET}"
    )
    standin.usual = lambda _seen: (200, {}, "ok")
    assert await integration.send(told()) == ""
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", f"/services/T/B/{SECRET}")
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {
        "username": "Tocsin",
        "attachments": [{
            "title": "[CRITICAL] High Celery Queue Backlog",
            "title_link": f"https://tocsin.example.com/alerts/{told().alerts[0].alert_id}",
            "text": seen.json["attachments"][0]["text"],
            "fallback": f"[CRITICAL] High Celery Queue Backlog | https://tocsin.example.com/alerts/{told().alerts[0].alert_id}",
            "color": "danger",
            "mrkdwn_in": ["fallback", "pretext", "text"],
        }],
    }  # fmt: skip
    assert "45 tasks pending (threshold: 20)\nAvg wait: 3.5 minutes" in seen.json["attachments"][0]["text"]
    await integration.send(told("resolved", Cause.RESOLVED))
    assert standin.last.json["attachments"][0]["color"] == "good"


async def test_every_key_of_alertmanagers_is_used(standin, build):
    integration = build(
        "slack", signing_secret=None, channel="#{{ .CommonLabels.component }}", username="u", color="{{ .Status }}",
        title="t", title_link="http://l", pretext="p", text="x", message_text="m", fallback="f",
        callback_id="c", footer="o", icon_emoji=":fire:", icon_url="http://i", image_url="http://g", thumb_url="http://h",
        link_names=True, mrkdwn_in=["text"], short_fields=True,
        fields=[{"title": "A", "value": "{{ .Status }}"}, {"title": "B", "value": "b", "short": False}],
        actions=[{"type": "button", "text": "Go", "url": "http://go", "style": "primary"},
                 {"type": "button", "text": "Do", "name": "n", "value": "v",
                  "confirm": {"text": "Sure?", "ok_text": "Yes"}}],
    )  # fmt: skip
    await integration.send(told())
    assert standin.last.json == {
        "channel": "#celery", "username": "u", "icon_emoji": ":fire:", "icon_url": "http://i", "text": "m",
        "link_names": True,
        "attachments": [{
            "title": "t", "text": "x", "fallback": "f", "title_link": "http://l", "pretext": "p", "callback_id": "c",
            "footer": "o", "image_url": "http://g", "thumb_url": "http://h", "color": "firing", "mrkdwn_in": ["text"],
            "fields": [{"title": "A", "value": "firing", "short": True}, {"title": "B", "value": "b", "short": False}],
            "actions": [{"type": "button", "text": "Go", "url": "http://go", "style": "primary"},
                        {"type": "button", "text": "Do", "name": "n", "value": "v",
                         "confirm": {"text": "Sure?", "ok_text": "Yes"}}],
        }],
    }  # fmt: skip


async def test_a_bots_message_lives_on(standin, build):
    bot = build("slack")
    assert await bot.send(told()) == "C1/1503435956.000247"
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", "/api/chat.postMessage")
    assert seen.headers["authorization"] == f"Bearer {SECRET}"
    assert seen.headers["content-type"] == "application/json; charset=utf-8"
    assert seen.json["channel"] == "#ops"
    assert button(seen) == {
        "type": "button", "action_id": "tocsin_acknowledge", "value": "d1", "style": "primary",
        "text": {"type": "plain_text", "text": "Acknowledge"},
    }  # fmt: skip

    assert await bot.send(told(cause=Cause.REPEAT, delivery="d2")) == "C1/1503435956.000247"
    update, reply = standin.seen[1:]
    assert (update.path, update.json["channel"], update.json["ts"]) == ("/api/chat.update", "C1", "1503435956.000247")
    assert "username" not in update.json
    assert (reply.path, reply.json["thread_ts"], reply.json["reply_broadcast"]) == (
        "/api/chat.postMessage", "1503435956.000247", False,
    )  # fmt: skip

    await bot.send(told(cause=Cause.CHANGED, delivery="d3"))
    assert standin.last.json["reply_broadcast"] is True
    await bot.send(acknowledged("anna <b>"))
    assert (standin.last.path, footer(standin.last)) == ("/api/chat.update", "Acknowledged by anna &lt;b&gt;.")
    await bot.send(told(cause=Cause.UNACKNOWLEDGED, delivery="d5"))
    assert button(standin.last)["value"] == "d5"
    await bot.send(told("resolved", Cause.RESOLVED, delivery="d6"))
    assert (standin.last.path, footer(standin.last)) == ("/api/chat.update", "Resolved.")
    assert len(standin.seen) == 8


async def test_a_message_that_is_gone_is_sent_anew(standin, build):
    bot = build("slack")
    await bot.send(told())
    standin.answers = [(200, {}, {"ok": False, "error": "message_not_found"})]
    standin.usual = lambda _seen: (200, {}, {"ok": True, "channel": "C1", "ts": "2.0"})
    assert await bot.send(told("resolved", Cause.RESOLVED, delivery="d2")) == "C1/2.0"
    assert [seen.path for seen in standin.seen[1:]] == ["/api/chat.update", "/api/chat.postMessage"]


async def test_ways_without_updates_or_threads(standin, build):
    threads = build("slack", update_message=False, signing_secret=None)
    assert threads.follows == frozenset()
    await threads.send(told())
    await threads.send(told("resolved", Cause.RESOLVED, delivery="d2"))
    assert standin.last.json["thread_ts"] == "1503435956.000247"
    plain = build("slack", update_message=False, post_updates_to_thread=False)
    await plain.send(told("resolved", Cause.RESOLVED, delivery="d3"))
    assert (standin.last.path, "thread_ts" in standin.last.json) == ("/api/chat.postMessage", False)
    quiet = build("slack", post_updates_to_thread=False)
    before = len(standin.seen)
    await quiet.send(told(cause=Cause.REPEAT, delivery="d4"))
    assert [seen.path for seen in standin.seen[before:]] == ["/api/chat.update"]


@pytest.mark.parametrize(
    ("answer", "reason", "permanent"),
    [
        ({"ok": False, "error": "channel_not_found"}, "refused", True),
        ({"ok": False, "error": "not_in_channel"}, "refused", True),
        ({"ok": False, "error": "invalid_auth"}, "authentication_failed", False),
        ({"ok": False, "error": "token_revoked"}, "authentication_failed", False),
        ({"ok": False, "error": "msg_too_long"}, "refused", True),
        ({"ok": False, "error": "ratelimited"}, "rate_limited", False),
        ({"ok": False, "error": "internal_error"}, "server_error", False),
        ({"ok": False, "error": "service_unavailable"}, "server_error", False),
        ("<html>a proxy's page</html>", "server_error", False),
    ],
)
async def test_slack_says_no_with_200(standin, build, answer, reason, permanent):
    bot = build("slack")
    standin.usual = lambda _seen: (200, {}, answer)
    with pytest.raises(DeliveryError) as caught:
        await bot.send(told())
    assert (caught.value.reason, caught.value.permanent) == (reason, permanent)


async def test_alertmanagers_other_way_to_be_a_bot(standin, build):
    bot = build(
        "slack", app_token=None, app_url=None, api_url=f"{standin.url}/api/chat.postMessage",
        http_config={"authorization": {"credentials": SECRET}},
    )  # fmt: skip
    assert await bot.send(told()) == "C1/1503435956.000247"
    assert standin.last.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"app_token": None, "signing_secret": None}, "no api_url"),
        ({"channel": None}, "a bot needs channel"),
        ({"app_token": None, "api_url": "https://hooks.slack.com/services/x"}, "signing_secret needs app_token"),
        ({"title": "{{ .X"}, "title"),
        ({"app_url": "ftp://x"}, "app_url"),
    ],
)
def test_mistakes(build, changes, said):
    with pytest.raises(ConfigError, match=said):
        build("slack", **changes)


def test_mistakes_that_the_model_sees():
    for config in (
        {"api_url": "http://x", "app_token": "x"}, {"api_url": "http://x", "api_url_file": "x"},
        {"actions": [{"type": "button", "text": "x"}]}, {"fields": [{"title": "x"}]}, {"chanel": "#x"},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            SlackConfig.model_validate(config)


def pressed(
    value: str = "d1", *, at: float = NOW, secret: str = OTHER, action: str = "tocsin_acknowledge", **more
) -> Call:
    payload = {
        "type": "block_actions", "user": {"id": "U1", "username": "anna", "name": "anna", "team_id": "T1"},
        "api_app_id": "A1", "container": {"type": "message", "message_ts": "1.0", "channel_id": "C1"},
        "actions": [{"action_id": action, "block_id": "tocsin", "value": value, "type": "button", "action_ts": "1.1"}],
        **more,
    }  # fmt: skip
    body = urlencode({"payload": json.dumps(payload)}).encode()
    digest = hmac.new(secret.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": str(int(at)), "x-slack-signature": f"v0={digest}"}
    return Call("actions", "https://tocsin.example.com/hooks/slack/ops/actions", {}, headers, body, NOW)


async def test_a_press_of_the_button(build):
    bot = build("slack")
    await bot.send(told())
    answer = await bot.receive(pressed())
    (action,) = answer.actions
    assert (action.kind, action.by, action.comment) == ("acknowledge", "anna", "by Slack")
    assert (action.alert_id, action.at) == (told().alerts[0].alert_id, NOW)


async def refused(bot, call: Call) -> str:
    with pytest.raises(CallRefusedError) as caught:
        await bot.receive(call)
    return caught.value.reason


async def test_presses_that_are_not_believed(build):
    bot = build("slack")
    await bot.send(told())
    call = pressed()
    assert await refused(bot, replace(call, headers={})) == "unsigned"
    assert await refused(bot, replace(call, body=call.body + b" ")) == "bad_signature"
    assert await refused(bot, pressed(secret="another")) == "bad_signature"
    changed = {**call.headers, "x-slack-request-timestamp": str(int(NOW) + 1)}
    assert await refused(bot, replace(call, headers=changed)) == "bad_signature"
    assert (
        await refused(bot, replace(call, headers={**call.headers, "x-slack-request-timestamp": "soon"})) == "unsigned"
    )
    assert await refused(bot, pressed(at=NOW - 301)) == "too_old"
    assert await refused(bot, pressed(at=NOW + 301)) == "too_old"
    assert await refused(bot, pressed("d9")) == "unknown_message"
    assert await refused(bot, replace(call, what="else")) == "unknown_path"
    assert (await bot.receive(call)).actions
    assert await refused(bot, call) == "replayed"
    assert await refused(build("slack", signing_secret=None), pressed()) == "unsigned"


async def test_presses_that_are_not_for_us(build):
    bot = build("slack")
    assert not (await bot.receive(pressed(action="other"))).actions
    assert not (await bot.receive(pressed(type="view_submission"))).actions
    body = b"payload=%5B1%5D"
    digest = hmac.new(OTHER.encode(), b"v0:%d:" % NOW + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": str(int(NOW)), "x-slack-signature": f"v0={digest}"}
    assert await refused(bot, replace(pressed(), headers=headers, body=body)) == "unreadable"


async def test_slacks_own_example_of_a_signature():
    # docs.slack.dev/authentication/verifying-requests-from-slack
    from services.notifier.channels.kit.slack_actions import verify

    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": signature}
    verify(Call("actions", "", {}, headers, body, 1_531_420_620.0), "8f742231b10e8888abcd99yyyzzz85a5")


@pytest.mark.parametrize(("cause", "aloud"), [(Cause.ESCALATED, True), (Cause.REMINDER, True), (Cause.REPEAT, False)])
async def test_what_somebody_should_notice_comes_to_the_thread(standin, build, cause, aloud):
    bot = build("slack")
    await bot.send(told())
    await bot.send(told(cause=cause, delivery="d2"))
    assert (standin.last.json["thread_ts"], standin.last.json["reply_broadcast"]) == ("1503435956.000247", aloud)
