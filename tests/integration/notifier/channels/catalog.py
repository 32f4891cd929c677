"""How each channel that speaks HTTP is set up against a stand-in, and what its provider answers when all is well."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.integration.notifier.channels.standin import Answer, Seen

SECRET = "s3cret-v4lue"
OTHER = "0ther-s3cret"
JWT = "jwt-s3cret-xyz"
TOKEN = "acc3ss-t0ken"


@dataclass(frozen=True)
class Kind:
    """One channel: its configuration at a URL, keys of `global`, and the provider's answer."""

    key: str
    config: Callable[[str], dict[str, Any]]
    ok: Callable[[Seen], Answer]
    globals: Callable[[str], dict[str, Any]] = field(default=lambda _url: {})
    before: int = 0
    """Requests before the one that counts: a login."""


def _twilio_ok(_seen: Seen) -> Answer:
    return 201, {}, {"sid": "SM1", "status": "queued", "error_code": None}


def _twilio_globals(url: str) -> dict[str, Any]:
    return {"twilio_account_sid": "AC123", "twilio_auth_token": SECRET, "twilio_api_url": url}


def _ringcentral_ok(seen: Seen) -> Answer:
    if seen.path.endswith("/token"):
        return 200, {}, {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600, "scope": "SMS"}
    return 200, {}, {"id": 991, "messageStatus": "Queued", "type": "SMS"}


STS_ANSWER = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>AROA1:tocsin</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/x/tocsin</Arn>
    </AssumedRoleUser>
    <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{OTHER}</SecretAccessKey>
      <SessionToken>{TOKEN}</SessionToken><Expiration>2100-01-01T00:15:00Z</Expiration></Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>req-0</RequestId></ResponseMetadata>
</AssumeRoleResponse>"""


def _sns_ok(seen: Seen) -> Answer:
    if seen.path == "/token":
        return 200, {}, STS_ANSWER
    return 200, {}, (
        '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
        "<MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata>"
        "</PublishResponse>"
    )  # fmt: skip


KINDS: tuple[Kind, ...] = (
    Kind("discord", lambda url: {"webhook_url": f"{url}/api/webhooks/12/{SECRET}"},
         lambda _seen: (200, {}, {"id": "777", "type": 0})),
    Kind("msteams", lambda url: {"webhook_url": f"{url}/webhookb2/{SECRET}"}, lambda _seen: (200, {}, "1")),
    Kind("msteamsv2", lambda url: {"webhook_url": f"{url}/workflows/x/triggers/manual/paths/invoke?sig={SECRET}&sv=1"},
         lambda _seen: (202, {}, "")),
    Kind("opsgenie", lambda url: {"api_key": SECRET, "api_url": f"{url}/"},
         lambda _seen: (202, {}, {"result": "Request will be processed", "took": 0.1, "requestId": "req-1"})),
    Kind("pagerduty", lambda url: {"routing_key": SECRET, "url": f"{url}/v2/enqueue"},
         lambda seen: (202, {}, {"status": "success", "message": "ok", "dedup_key": seen.json.get("dedup_key")})),
    Kind("ringcentral_sms",
         lambda url: {"to": "+4915110", "from": "+15550100", "client_id": "app", "client_secret": SECRET, "jwt": JWT,
                      "server_url": url},
         _ringcentral_ok, before=1),
    Kind("slack",
         lambda url: {"app_token": SECRET, "app_url": f"{url}/api/chat.postMessage", "channel": "#ops",
                      "signing_secret": OTHER},
         lambda _seen: (200, {}, {"ok": True, "channel": "C1", "ts": "1503435956.000247"})),
    Kind("sns",
         lambda url: {"topic_arn": "arn:aws:sns:eu-central-1:1:ops", "api_url": url,
                      "sigv4": {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": SECRET,
                                "role_arn": "arn:aws:iam::1:role/x", "sts_url": f"{url}/token"}},
         _sns_ok, before=1),
    Kind("telegram",
         lambda url: {"api_url": url, "bot_token": f"12:{SECRET}", "chat_id": -100, "webhook_secret": OTHER},
         lambda _seen: (200, {}, {"ok": True, "result": {"message_id": 42}})),
    Kind("twilio_sms", lambda _url: {"to": "+4915110", "from": "+15550100"}, _twilio_ok, _twilio_globals),
    Kind("twilio_voice", lambda _url: {"to": "+4915110", "from": "+15550100"}, _twilio_ok, _twilio_globals),
    Kind("twilio_whatsapp", lambda _url: {"to": "+4915110", "from": "+15550100"}, _twilio_ok, _twilio_globals),
    Kind("webhook", lambda url: {"url": f"{url}/hook/{SECRET}", "hmac_secret": OTHER}, lambda _seen: (200, {}, "")),
)  # fmt: skip
BY_KEY = {kind.key: kind for kind in KINDS}
