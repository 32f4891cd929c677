"""Discord, Teams (both kinds), RingCentral and signed webhooks: requests to the letter."""

import base64
import hashlib
import hmac

import pytest

from services.common.config import ConfigError
from services.notifier.channels.base import DeliveryError
from services.notifier.channels.discord import DiscordConfig
from services.notifier.channels.ringcentral_sms import RingcentralSmsConfig
from services.notifier.channels.webhook import WebhookConfig
from services.notifier.grouping import Cause
from tests.integration.notifier.channels.catalog import JWT, OTHER, SECRET, TOKEN
from tests.integration.notifier.channels.conftest import acknowledged, told

pytestmark = pytest.mark.integration


async def fails(integration, **more) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await integration.send(told(**more))
    return caught.value


async def test_discord(standin, build):
    discord = build("discord", content="@here {{ .Status }}", username="Tocsin", avatar_url="https://a")
    assert await discord.send(told()) == "777"
    seen = standin.last
    assert (seen.method, seen.path, seen.query) == ("POST", f"/api/webhooks/12/{SECRET}", {"wait": "true"})
    assert seen.json == {
        "content": "@here firing", "username": "Tocsin", "avatar_url": "https://a",
        "embeds": [{
            "title": "[CRITICAL] High Celery Queue Backlog", "description": seen.json["embeds"][0]["description"],
            "color": 0x8C1A1A,
        }],
    }  # fmt: skip
    await discord.send(acknowledged())
    change = standin.last
    assert (change.method, change.path) == ("PATCH", f"/api/webhooks/12/{SECRET}/messages/777")
    assert change.json["embeds"][0]["footer"] == {"text": "Acknowledged by anna"}
    assert "username" not in change.json
    await discord.send(told(cause=Cause.REPEAT))
    assert standin.last.method == "POST"
    await discord.send(told("resolved", Cause.RESOLVED))
    assert (standin.last.method, standin.last.json["embeds"][0]["color"]) == ("PATCH", 0x2DC72D)


async def test_a_discord_message_that_is_gone_is_sent_anew(standin, build):
    discord = build("discord", title="t" * 300, message="m" * 5000, content="c" * 3000)
    await discord.send(told())
    body = standin.last.json
    assert (len(body["embeds"][0]["title"]), len(body["embeds"][0]["description"]), len(body["content"])) == (
        256, 4096, 2000,
    )  # fmt: skip
    standin.answers = [(404, {}, {"message": "Unknown Message", "code": 10008})]
    assert await discord.send(told("resolved", Cause.RESOLVED)) == "777"
    assert [seen.method for seen in standin.seen] == ["POST", "PATCH", "POST"]
    standin.answers = [(500, {}, "")]
    assert (await fails(discord, status="resolved", cause=Cause.RESOLVED)).reason == "server_error"


async def test_discord_in_a_thread(standin, build):
    await build("discord", webhook_url=f"{standin.url}/api/webhooks/12/{SECRET}?thread_id=5").send(told())
    assert standin.last.query == {"thread_id": "5", "wait": "true"}


@pytest.mark.parametrize("config", [{}, {"webhook_url": "x"}, {"webhook_url": "http://x", "webhook_url_file": "y"}])
def test_an_address_is_needed_once(config):
    with pytest.raises(ValueError):
        DiscordConfig.model_validate(config)


def test_an_address_from_a_file_is_checked(build, tmp_path):
    (tmp_path / "url").write_text("no url\n", encoding="utf-8")
    for key in ("discord", "msteams", "msteamsv2"):
        with pytest.raises(ConfigError, match="must begin with http"):
            build(key, webhook_url=None, webhook_url_file="url")


async def test_a_connector_of_teams(standin, build):
    teams = build("msteams", text="a\nb")
    assert await teams.send(told()) == ""
    assert standin.last.json == {
        "@context": "http://schema.org/extensions", "@type": "MessageCard", "themeColor": "8C1A1A",
        "title": "[CRITICAL] High Celery Queue Backlog", "summary": "[CRITICAL] High Celery Queue Backlog",
        "text": "a\n\nb",
    }  # fmt: skip
    await teams.send(told("resolved", Cause.RESOLVED))
    assert standin.last.json["themeColor"] == "2DC72D"


@pytest.mark.parametrize(("code", "reason", "permanent"), [(429, "rate_limited", False), (413, "refused", True)])
async def test_teams_says_no_with_200(standin, build, code, reason, permanent):
    teams = build("msteams")
    text = (
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId x"
    )
    standin.usual = lambda _seen: (200, {}, text.format(code))
    error = await fails(teams)
    assert (error.reason, error.permanent) == (reason, permanent)


async def test_a_workflow_of_teams(standin, build):
    await build("msteamsv2", text="a\nb").send(told())
    seen = standin.last
    assert (seen.path, seen.query) == ("/workflows/x/triggers/manual/paths/invoke", {"sig": SECRET, "sv": "1"})
    page = f"https://tocsin.example.com/alerts/{told().alerts[0].alert_id}#acknowledge"
    assert seen.json == {
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
                "version": "1.2", "msteams": {"width": "full"},
                "body": [
                    {"type": "TextBlock", "text": "[CRITICAL] High Celery Queue Backlog", "weight": "Bolder",
                     "size": "Medium", "wrap": True, "style": "heading", "color": "Attention"},
                    {"type": "TextBlock", "text": "a\n\nb", "wrap": True},
                ],
                "actions": [{"type": "Action.OpenUrl", "title": "Open and acknowledge", "url": page}],
            },
        }],
    }  # fmt: skip
    await build("msteamsv2").send(told("resolved", Cause.RESOLVED))
    content = standin.last.json["attachments"][0]["content"]
    assert (content["body"][0]["color"], "actions" in content) == ("Good", False)


async def test_ringcentral(standin, build, around):
    ringcentral = build("ringcentral_sms")
    assert await ringcentral.send(told()) == "991"
    login, sms = standin.seen
    assert (login.method, login.path) == ("POST", "/restapi/oauth/token")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(login.headers["authorization"].removeprefix("Basic ")).decode() == f"app:{SECRET}"
    assert login.form == [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", JWT)]
    assert (sms.method, sms.path) == ("POST", "/restapi/v1.0/account/~/extension/~/sms")
    assert sms.headers["authorization"] == f"Bearer {TOKEN}"
    assert sms.json == {
        "from": {"phoneNumber": "+15550100"}, "to": [{"phoneNumber": "+4915110"}],
        "text": "[CRITICAL] High Celery Queue Backlog\n45 tasks pending (>20).\nView: tocsin.example.com/celery",
    }  # fmt: skip
    await ringcentral.send(told())
    assert len(standin.seen) == 3
    await around.clock.advance(3541.0)
    await ringcentral.send(told())
    assert [seen.path.rpartition("/")[2] for seen in standin.seen] == ["token", "sms", "sms", "token", "sms"]


async def test_a_ringcentral_token_that_was_taken_back(standin, build):
    ringcentral = build("ringcentral_sms")
    await ringcentral.send(told())
    standin.answers = [(401, {}, {"errorCode": "TokenInvalid", "message": "Token not found"})]
    assert await ringcentral.send(told()) == "991"
    assert [seen.path.rpartition("/")[2] for seen in standin.seen] == ["token", "sms", "sms", "token", "sms"]


async def test_ringcentrals_refusals(standin, build):
    ringcentral = build("ringcentral_sms")
    usual = standin.usual
    standin.usual = lambda seen: (
        usual(seen) if "token" in seen.path else (200, {}, {"id": 1, "messageStatus": "SendingFailed"})
    )
    assert ((await fails(ringcentral)).reason, (await fails(ringcentral)).permanent) == ("refused", True)
    standin.usual = lambda _seen: (200, {}, {"no": "token"})
    with pytest.raises(ConfigError, match="no login"):
        build("ringcentral_sms", jwt=None)


@pytest.mark.parametrize(
    ("word", "expected"), [("invalid_grant", ("authentication_failed", False)), ("invalid_request", ("refused", True))]
)
async def test_a_ringcentral_login_that_is_refused(standin, build, word, expected):
    ringcentral = build("ringcentral_sms")
    standin.usual = lambda _seen: (400, {}, {"error": word, "error_description": "Token is expired"})
    error = await fails(ringcentral)
    assert (error.reason, error.permanent) == expected


async def test_a_ringcentral_login_without_token(standin, build):
    ringcentral = build("ringcentral_sms")
    standin.usual = lambda _seen: (200, {}, {"no": "token"})
    error = await fails(ringcentral)
    assert (error.reason, error.permanent) == ("server_error", False)


@pytest.mark.parametrize("change", [{"to": "x"}, {"from": "x"}, {"server_url": "x"}, {"jwt": "x", "jwt_file": "y"}])
def test_ringcentrals_mistakes(change):
    given = {"to": "+4915110", "from": "+4915110", "client_id": "x", **change}
    with pytest.raises(ValueError):
        RingcentralSmsConfig.model_validate(given)


async def test_a_signed_webhook(standin, build, around):
    await build("webhook").send(told())
    seen = standin.last
    at, _, given = seen.headers["x-tocsin-signature"].partition(",")
    assert at == f"t={int(around.clock.now())}"
    text = at.removeprefix("t=").encode() + b"." + seen.body
    assert given == "v1=" + hmac.new(OTHER.encode(), text, hashlib.sha256).hexdigest()
    assert seen.json["groupKey"] == told().group_key
    await build("webhook", hmac_secret=None).send(told())
    assert "x-tocsin-signature" not in standin.last.headers
    with pytest.raises(ValueError):
        WebhookConfig.model_validate({"url": "http://x", "hmac_secret": "x", "hmac_secret_file": "y"})


async def test_a_webhooks_own_payload(standin, build):
    webhook = build("webhook", payload={"title": "{{ .Lead.Title }}", "n": 1, "list": ["{{ .Status }}", None]})
    await webhook.send(told())
    assert standin.last.json == {"title": "High Celery Queue Backlog", "n": 1, "list": ["firing", None]}
    with pytest.raises(ConfigError, match="payload"):
        build("webhook", payload={"x": ["{{ .Status"]})


async def test_a_webhooks_address_may_be_a_template(standin, build):
    webhook = build("webhook", url=f"{standin.url}/{{{{ .CommonLabels.component }}}}")
    assert webhook.recipients == (standin.url,)
    await webhook.send(told())
    assert standin.last.path == "/celery"
    with pytest.raises(ConfigError, match="url"):
        build("webhook", url=f"{standin.url}/{{{{ .X")
