"""Telegram's requests, to the letter, and its webhook's updates. Source: core.telegram.org/bots/api."""

import json
from dataclasses import replace

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.kit.inbound import Call, CallRefusedError
from services.notifier.channels.telegram import TelegramConfig
from services.notifier.grouping import Cause
from tests.integration.notifier.channels.catalog import OTHER, SECRET
from tests.integration.notifier.channels.conftest import acknowledged, told

pytestmark = pytest.mark.integration
NOW = 1_700_000_000.0
BUTTON = {"inline_keyboard": [[{"text": "Acknowledge", "callback_data": "ack:d1"}]]}


async def test_a_message(standin, build):
    telegram = build("telegram", message_thread_id=7, disable_notifications=True)
    assert await telegram.send(told()) == "42"
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", f"/bot12:{SECRET}/sendMessage")
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {
        "chat_id": -100, "message_thread_id": 7, "parse_mode": "HTML", "disable_notification": True,
        "reply_markup": BUTTON, "text": seen.json["text"],
    }  # fmt: skip
    assert seen.json["text"] == (
        "<b>[CRITICAL] High Celery Queue Backlog</b>\n45 tasks pending (threshold: 20)\nAvg wait: 3.5 minutes\n"
        "Since 22:13:20 UTC, Tue 14 Nov\n<b>Do:</b> Scale up Celery workers\n"
        '<a href="https://tocsin.example.com/celery">Where to look</a>'
    )


async def test_labels_and_annotations_are_escaped(standin, build):
    message = told()
    nasty = message.alerts[0].model_copy(update={"annotations": {"summary": "<b>&", "action_link": 'https://x/"><i>'}})
    await build("telegram").send(replace(message, alerts=[nasty]))
    text = standin.last.json["text"]
    assert "&lt;b&gt;&amp;" in text
    assert "<i>" not in text


async def test_a_story_in_one_message(standin, build):
    telegram = build("telegram")
    await telegram.send(told())
    await telegram.send(acknowledged("anna <b>"))
    assert standin.last.path.endswith("/editMessageText")
    assert standin.last.json["message_id"] == 42
    assert standin.last.json["text"].endswith("\n\n<b>Acknowledged</b> by anna &lt;b&gt;.")
    assert standin.last.json["reply_markup"] == {"inline_keyboard": []}
    await telegram.send(told(cause=Cause.REPEAT, delivery="d3"))
    assert standin.last.path.endswith("/sendMessage")
    assert standin.last.json["reply_parameters"] == {"message_id": 42, "allow_sending_without_reply": True}
    assert await telegram.send(told("resolved", Cause.RESOLVED, delivery="d4")) == "42"
    assert standin.last.path.endswith("/editMessageText")
    assert "[RESOLVED]" in standin.last.json["text"]


async def test_ways_without_button_or_html(standin, build):
    plain = build("telegram", webhook_secret=None, parse_mode="", message="{{ .Lead.Title }} <" + "x" * 5000)
    await plain.send(acknowledged())
    assert "reply_markup" not in standin.last.json
    assert "parse_mode" not in standin.last.json
    assert len(standin.last.json["text"]) == 4096
    long = build("telegram", message="<b>a</b>\n" + "<i>line</i>\n" * 500)
    await long.send(told())
    assert len(standin.last.json["text"]) <= 4096
    assert standin.last.json["text"].endswith("<i>line</i>\n…")
    endless = build("telegram", message="<b>" + "x" * 5000 + "</b>")
    await endless.send(told())
    assert standin.last.json["text"].startswith("&lt;b&gt;xx")


@pytest.mark.parametrize(
    ("status", "answer", "reason", "permanent", "after"),
    [
        (429, {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 35",
               "parameters": {"retry_after": 35}}, "rate_limited", False, 35.0),
        (429, "busy", "rate_limited", False, None),
        (400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}, "refused", True, None),
        (403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"},
         "authentication_failed", False, None),
        (401, {"ok": False, "error_code": 401, "description": "Unauthorized"}, "authentication_failed", False, None),
        (200, {"ok": False}, "server_error", False, None),
    ],
)  # fmt: skip
async def test_telegrams_errors(standin, build, status, answer, reason, permanent, after):
    telegram = build("telegram")
    standin.usual = lambda _seen: (status, {}, answer)
    with pytest.raises(DeliveryError) as caught:
        await telegram.send(told())
    assert (caught.value.reason, caught.value.permanent, caught.value.retry_after) == (reason, permanent, after)


@pytest.mark.parametrize(
    ("said", "sent_anew"), [("message is not modified: …", True), ("message to edit not found", True), ("else", False)]
)
async def test_a_message_that_can_not_be_changed(standin, build, said, sent_anew):
    telegram = build("telegram")
    await telegram.send(told())
    standin.answers = [(400, {}, {"ok": False, "error_code": 400, "description": f"Bad Request: {said}"})]
    if not sent_anew:
        with pytest.raises(DeliveryError):
            await telegram.send(told("resolved", Cause.RESOLVED, delivery="d2"))
        return
    assert await telegram.send(told("resolved", Cause.RESOLVED, delivery="d2")) == "42"
    expected = "editMessageText" if "not modified" in said else "sendMessage"
    assert standin.last.path.endswith(expected)


def update(data: str = "ack:d1", chat: int = -100, number: int = 10, **headers: str) -> Call:
    body = {
        "update_id": number,
        "callback_query": {
            "id": "q1", "from": {"id": 5, "is_bot": False, "first_name": "Anna", "username": "anna"},
            "message": {"message_id": 42, "chat": {"id": chat, "type": "group"}}, "chat_instance": "1", "data": data,
        },
    }  # fmt: skip
    given = {"x-telegram-bot-api-secret-token": OTHER, **headers}
    return Call("update", "https://tocsin.example.com/x", {}, given, json.dumps(body).encode(), NOW)


async def refused(telegram, call: Call) -> str:
    with pytest.raises(CallRefusedError) as caught:
        await telegram.receive(call)
    return caught.value.reason


async def test_the_button(build):
    telegram = build("telegram")
    await telegram.send(told())
    answer = await telegram.receive(update())
    (action,) = answer.actions
    assert (action.by, action.comment, action.alert_id) == ("anna", "by Telegram", told().alerts[0].alert_id)
    assert answer.content_type == "application/json"
    assert json.loads(answer.text) == {
        "method": "answerCallbackQuery", "callback_query_id": "q1", "text": "Acknowledged",
    }  # fmt: skip
    assert await refused(telegram, update()) == "replayed"
    # A bot has one webhook for all its chats.
    other = build("telegram", chat_id=-200)
    assert (await other.receive(update(number=11))).actions


async def test_updates_that_are_not_believed_or_not_for_us(build):
    telegram = build("telegram")
    await telegram.send(told())
    wrong = {"x-telegram-bot-api-secret-token": "wrong"}
    assert await refused(telegram, update(**wrong)) == "bad_signature"
    assert await refused(telegram, replace(update(), headers={})) == "unsigned"
    assert await refused(telegram, update("ack:d9")) == "unknown_message"
    assert await refused(telegram, replace(update(), what="else")) == "unknown_path"
    assert await refused(telegram, replace(update(), body=b"{")) == "unreadable"
    assert await refused(telegram, replace(update(), body=b"[]")) == "unreadable"
    assert await refused(build("telegram", webhook_secret=None), update()) == "bad_signature"
    assert not (await telegram.receive(update("other"))).actions
    assert not (await telegram.receive(replace(update(), body=b'{"update_id": 1, "message": {}}'))).actions


@pytest.mark.parametrize(
    "config",
    [
        {"chat_id": 1, "chat_id_file": "x"}, {}, {"chat_id": 1, "parse_mode": "BBCode"},
        {"chat_id": 1, "bot_token": "x", "bot_token_file": "y"},
    ],
)  # fmt: skip
def test_mistakes_that_the_model_sees(config):
    with pytest.raises(ValueError):
        TelegramConfig.model_validate(config)


def test_a_chat_from_a_file(build, tmp_path):
    (tmp_path / "chat").write_text("-1001234\n", encoding="utf-8")
    assert build("telegram", chat_id=None, chat_id_file="chat").recipients == ("-1001234",)
    (tmp_path / "chat").write_text("@channel\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a number"):
        build("telegram", chat_id=None, chat_id_file="chat")
    with pytest.raises(ConfigError, match="no token"):
        build("telegram", bot_token=None)
