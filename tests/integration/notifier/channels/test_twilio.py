"""Twilio's requests, to the letter, and its signed calls. Source: twilio.com/docs."""

import base64
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.kit.inbound import Call, CallRefusedError
from services.notifier.channels.kit.twilio import check_number, is_public, signature
from services.notifier.channels.twilio_sms import TwilioSmsConfig
from services.notifier.channels.twilio_whatsapp import TwilioWhatsappConfig
from services.notifier.grouping import Cause
from services.notifier.messages import Messages
from tests.integration.notifier.channels.catalog import OTHER, SECRET
from tests.integration.notifier.channels.conftest import told

pytestmark = pytest.mark.integration
NOW = 1_700_000_000.0
HOOKS = "https://tocsin.example.com/hooks/{}/ops%20team/{}"
NUMBER = "+4915110"


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own answer


def call(kind: str, what: str, query: str = "", *, token: str = SECRET, **fields: str) -> Call:
    url = HOOKS.format(kind, what) + query
    given = list({"AccountSid": "AC123", **fields}.items())
    headers = {"x-twilio-signature": signature(token, url, given)}
    return Call(what, url, dict(parse_qsl(query[1:])), headers, urlencode(given).encode(), NOW)


async def refused(integration, given: Call) -> str:
    with pytest.raises(CallRefusedError) as caught:
        await integration.receive(given)
    return caught.value.reason


def test_twilios_own_example_of_a_signature():
    # twilio.com/docs/usage/security: the worked example of the validation algorithm.
    fields = [
        ("CallSid", "CA1234567890ABCDE"), ("Caller", "+12349013030"), ("Digits", "1234"), ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


async def test_sms(standin, build):
    sms = build("twilio_sms")
    assert await sms.send(told()) == "SM1"
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", "/2010-04-01/Accounts/AC123/Messages.json")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode() == f"AC123:{SECRET}"
    assert seen.form == [
        ("To", NUMBER), ("From", "+15550100"),
        ("Body", "[CRITICAL] High Celery Queue Backlog\n45 tasks pending (>20).\nView: tocsin.example.com/celery"),
        ("StatusCallback", HOOKS.format("twilio_sms", "status")),
    ]  # fmt: skip


async def test_sms_by_a_service_and_a_key(standin, build):
    sms = build(
        "twilio_sms", to=[NUMBER, "+4915111"], **{"from": None}, messaging_service_sid="MG1", api_key_sid="SK1",
        api_key_secret=OTHER, max_segments=1, text="{{ .Lead.Title }} " + "and more " * 50,
    )  # fmt: skip
    assert sms.recipients == (NUMBER, "+4915111")
    await sms.send(told())
    fields = dict(standin.last.form)
    assert fields["MessagingServiceSid"] == "MG1"
    assert "From" not in fields
    assert fields["Body"].endswith(" and more and...")
    assert len(fields["Body"]) <= 160
    assert base64.b64decode(standin.last.headers["authorization"].removeprefix("Basic ")).decode() == f"SK1:{OTHER}"


async def test_no_callback_is_named_that_twilio_can_not_reach(standin, build, around):
    messages = Messages([], external_url="http://127.0.0.1:8080", zone=ZoneInfo("UTC"))
    local = replace(around, messages=messages)
    await build("twilio_sms", local).send(told())
    assert "StatusCallback" not in dict(standin.last.form)
    await build("twilio_whatsapp", local).send(told())
    assert "Reply" not in dict(standin.last.form)["Body"]
    with pytest.raises(ConfigError, match="set external_url"):
        build("twilio_voice", local)
    assert not any(is_public(url) for url in ("http://localhost:1", "http://[::1]/", "http://a.localhost"))
    assert is_public("https://a.org")


async def test_whatsapp(standin, build):
    whatsapp = build("twilio_whatsapp")
    await whatsapp.send(told())
    fields = dict(standin.last.form)
    assert (fields["To"], fields["From"]) == ("whatsapp:+4915110", "whatsapp:+15550100")
    assert fields["Body"] == (
        "🔴 CRITICAL ALERT\nHigh Celery Queue Backlog\n45 tasks pending (threshold: 20)\nAvg wait: 3.5 minutes\n"
        "Action: Scale up Celery workers\nView: https://tocsin.example.com/celery\n"
        "Reply DISMISS to dismiss this alert"
    )
    await whatsapp.send(told(delivery="d9", thread="d9"))
    assert dict(standin.last.form)["Body"].endswith("\nReply DISMISS 2 to dismiss this alert")
    await whatsapp.send(told("resolved", Cause.RESOLVED, delivery="d3"))
    assert dict(standin.last.form)["Body"].startswith("✅ RESOLVED\n")
    assert "Reply" not in dict(standin.last.form)["Body"]


async def test_whatsapp_by_an_approved_template(standin, build):
    whatsapp = build("twilio_whatsapp", content_sid="HX1", content_variables={"1": "{{ .Lead.Title }}", "2": '"x"'})
    await whatsapp.send(told())
    fields = dict(standin.last.form)
    assert fields["ContentSid"] == "HX1"
    assert fields["ContentVariables"] == '{"1":"High Celery Queue Backlog","2":"\\"x\\""}'
    assert "Body" not in fields


@pytest.mark.parametrize(
    ("kind", "how", "prefix"), [("twilio_sms", "SMS", ""), ("twilio_whatsapp", "WhatsApp", "whatsapp:")]
)
async def test_a_reply_acknowledges(build, kind, how, prefix):
    integration = build(kind)
    await integration.send(told())
    answer = await integration.receive(call(kind, "reply", From=prefix + NUMBER, Body="ACK", MessageSid="SM9"))
    (action,) = answer.actions
    assert (action.by, action.comment, action.alert_id) == (NUMBER, f"by {how}", told().alerts[0].alert_id)
    assert answer.content_type == "text/xml"
    message = parsed(answer.text).find("Message")
    assert message.text == "Acknowledged: High Celery Queue Backlog."


async def test_replies_that_mean_nothing(build):
    sms = build("twilio_sms")
    await sms.send(told())
    for number, text in ((NUMBER, "thanks"), ("+4915199", "hello")):
        answer = await sms.receive(call("twilio_sms", "reply", From=number, Body=text, MessageSid=f"S{text}"))
        assert (answer.actions, parsed(answer.text).findall("*")) == ((), [])
    answer = await sms.receive(call("twilio_sms", "reply", From=NUMBER, Body="ACK 5", MessageSid="S5"))
    assert answer.actions == ()
    said = parsed(answer.text).find("Message").text
    assert said == "Nothing to acknowledge. Still open: ACK 1 High Celery Queue Backlog"


async def test_calls_that_are_not_believed(build):
    sms = build("twilio_sms")
    await sms.send(told())
    good = call("twilio_sms", "reply", From=NUMBER, Body="ACK", MessageSid="SM9")
    assert await refused(sms, replace(good, headers={})) == "unsigned"
    assert await refused(sms, replace(good, body=good.body + b"2")) == "bad_signature"
    assert await refused(sms, replace(good, url=good.url + "?x=1")) == "bad_signature"
    assert (
        await refused(sms, call("twilio_sms", "reply", token="x", From=NUMBER, Body="ACK", MessageSid="SM9"))
        == "bad_signature"
    )
    assert await refused(sms, call("twilio_sms", "reply", AccountSid="AC9", From=NUMBER)) == "other_account"
    assert await refused(sms, call("twilio_sms", "reply", Body="ACK", MessageSid="SM9")) == "unreadable"
    assert await refused(sms, call("twilio_sms", "else")) == "unknown_path"
    assert await refused(sms, replace(good, body=b"\xff")) == "unreadable"
    assert (await sms.receive(good)).actions
    assert await refused(sms, good) == "replayed"


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        ("delivered", {}, ("delivered", False, "")),
        ("undelivered", {"ErrorCode": "30003"}, ("undelivered", True, "error 30003")),
        ("failed", {"ErrorCode": "x"}, ("failed", True, "")),
        ("sent", {}, None),
        ("queued", {}, None),
    ],
)
async def test_receipts(build, status, more, expected):
    sms = build("twilio_sms")
    answer = await sms.receive(call("twilio_sms", "status", MessageSid="SM1", MessageStatus=status, **more))
    receipt = answer.receipt
    assert (None if receipt is None else (receipt.status, receipt.failed, receipt.detail)) == expected


async def test_a_phone_call(standin, build):
    voice = build("twilio_voice", voice="Polly.Joanna")
    assert not voice.send_resolved
    assert await voice.send(told()) == "SM1"
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", "/2010-04-01/Accounts/AC123/Calls.json")
    say = HOOKS.format("twilio_voice", "say") + "?ticket=d1"
    assert seen.form == [
        ("To", NUMBER), ("From", "+15550100"), ("Url", say), ("Method", "POST"), ("Timeout", "40"),
        ("StatusCallback", HOOKS.format("twilio_voice", "status")), ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "completed"),
    ]  # fmt: skip

    answer = await voice.receive(call("twilio_voice", "say", "?ticket=d1", CallSid="CA1", CallStatus="in-progress"))
    twiml = parsed(answer.text)
    gathers = twiml.findall("Gather")
    assert len(gathers) == 3
    assert gathers[0].attrib == {
        "numDigits": "1", "timeout": "5", "method": "POST",
        "action": HOOKS.format("twilio_voice", "key") + "?ticket=d1",
    }  # fmt: skip
    assert gathers[0].find("Say").text == (
        "Critical alert: High Celery Queue Backlog. 45 tasks pending (>20). Press 1 to acknowledge."
    )
    assert gathers[0].find("Say").attrib == {"language": "en-US", "voice": "Polly.Joanna"}

    other = await voice.receive(call("twilio_voice", "key", "?ticket=d1", CallSid="CA1", Digits="5"))
    assert not other.actions
    assert parsed(other.text).find("Gather") is not None
    done = await voice.receive(call("twilio_voice", "key", "?ticket=d1", CallSid="CA1", Digits="1"))
    (action,) = done.actions
    assert (action.by, action.comment, action.alert_id) == (NUMBER, "by phone", told().alerts[0].alert_id)
    assert [one.tag for one in parsed(done.text)] == ["Say", "Hangup"]


async def test_a_phone_call_about_an_end_asks_for_nothing(build):
    voice = build("twilio_voice", send_resolved=True)
    await voice.send(told("resolved", Cause.RESOLVED))
    answer = await voice.receive(call("twilio_voice", "say", "?ticket=d1", CallSid="CA1"))
    assert [one.tag for one in parsed(answer.text)] == ["Say", "Hangup"]


async def test_phone_calls_that_are_not_believed(build):
    voice = build("twilio_voice")
    await voice.send(told())
    assert await refused(voice, call("twilio_voice", "say", "?ticket=d2", CallSid="CA1")) == "unknown_message"
    assert await refused(voice, call("twilio_voice", "else")) == "unknown_path"
    assert (
        await refused(voice, replace(call("twilio_voice", "key", "?ticket=d1", Digits="1"), headers={})) == "unsigned"
    )
    answer = await voice.receive(call("twilio_voice", "status", CallSid="CA1", CallStatus="no-answer"))
    assert (answer.receipt.status, answer.receipt.failed) == ("no-answer", True)


async def test_a_queue_that_is_full_is_no_refusal_for_good(standin, build):
    sms = build("twilio_sms")
    standin.usual = lambda _seen: (400, {}, {"code": 21611, "message": "queue full", "status": 400})
    with pytest.raises(DeliveryError) as caught:
        await sms.send(told())
    assert (caught.value.reason, caught.value.permanent) == ("rate_limited", False)


@pytest.mark.parametrize(
    "number", ["4915110", "+0123456", "+12", "+1234567890123456", "+49 151", "+49\u0661\u0665\u0661", ""]
)
def test_what_is_no_number(number):
    with pytest.raises(ValueError, match="phone number"):
        check_number(number)


@pytest.mark.parametrize(
    "config",
    [
        {"to": NUMBER}, {"to": [], "from": NUMBER}, {"from": NUMBER},
        {"to": NUMBER, "from": NUMBER, "messaging_service_sid": "x"},
        {"to": NUMBER, "from": NUMBER, "auth_token": "x", "auth_token_file": "x"},
    ],
)  # fmt: skip
def test_mistakes_that_the_model_sees(config):
    for model in (TwilioSmsConfig, TwilioWhatsappConfig):
        with pytest.raises(ValueError):
            model.model_validate(config)
    with pytest.raises(ValueError, match="content_sid"):
        TwilioWhatsappConfig.model_validate({"to": NUMBER, "from": NUMBER, "content_variables": {"1": "x"}})


def test_an_account_is_needed(around):
    from services.notifier.channels.twilio_sms import TwilioSmsChannel
    from services.notifier.channels.twilio_voice import TwilioVoiceChannel, TwilioVoiceConfig

    with pytest.raises(ConfigError, match="no account"):
        TwilioSmsChannel().build(TwilioSmsConfig.model_validate({"to": NUMBER, "from": NUMBER}), around)
    with pytest.raises(ConfigError, match="no auth_token"):
        TwilioSmsChannel().build(
            TwilioSmsConfig.model_validate({"to": NUMBER, "from": NUMBER, "account_sid": "A"}), around
        )
    keyed = {"to": NUMBER, "from": NUMBER, "account_sid": "A", "api_key_sid": "S", "api_key_secret": "x"}
    with pytest.raises(ConfigError, match="signs with it"):
        TwilioVoiceChannel().build(TwilioVoiceConfig.model_validate(keyed), around)


async def test_a_twilio_number_has_one_address_for_the_replies_of_all(build, around):
    anna, ben = build("twilio_sms"), build("twilio_sms", replace(around, receiver="contact:ben"), to="+4915999")
    await ben.send(told(recipient="+4915999"))
    answer = await anna.receive(call("twilio_sms", "reply", From="+4915999", Body="ACK", MessageSid="SM9"))
    assert [action.by for action in answer.actions] == ["+4915999"]


async def test_a_proxy_may_write_the_receivers_name_in_another_way(build, around):
    sms = build("twilio_sms", replace(around, receiver="contact:anna"))
    named = "https://tocsin.example.com/hooks/twilio_sms/contact%3Aanna/status?a=1"
    fields = [("MessageSid", "SM1"), ("MessageStatus", "delivered")]
    headers = {"x-twilio-signature": signature(SECRET, named, fields)}
    seen = Call("status", named.replace("%3A", ":"), {}, headers, urlencode(fields).encode(), NOW)
    assert (await sms.receive(seen)).receipt is not None
    assert await refused(sms, replace(seen, url=seen.url + "2")) == "bad_signature"
