"""What Twilio's three channels share: the account, its REST API, signed calls and status callbacks."""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel
from services.notifier.channels.base import DeliveryError, Message, Surroundings
from services.notifier.channels.http import RefusedError
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, Receipt
from services.notifier.channels.kit.integration import HttpChannelConfig, HttpIntegration, at_most_one, field, read_key
from services.notifier.channels.kit.receipts import expect_receipt
from services.notifier.shown import OWN

API_URL = "https://api.twilio.com"
_FAILED = frozenset({"undelivered", "failed", "busy", "no-answer", "canceled"})
_FINAL = _FAILED | {"delivered", "read", "completed"}
_MOST_DIGITS = 15
_LEAST_DIGITS = 5


def check_number(text: str) -> str:
    """Return a number in E.164; raises ValueError."""
    digits = text[1:]
    if not (text[:1] == "+" and digits.isascii() and digits.isdigit() and digits[:1] != "0"):
        raise ValueError(f"{text!r} is not a phone number; write it like +4915112345678")
    if not _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS:
        raise ValueError(f"{text!r} has not the length of a phone number; write it like +4915112345678")
    return text


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Number = Annotated[str, AfterValidator(check_number)]
Numbers = Annotated[tuple[Number, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One number, or a list."""


class TwilioGlobals(StrictModel):
    """Twilio's keys of `global`; what a receiver leaves out."""

    twilio_account_sid: str = Field(default="", json_schema_extra=OWN)
    twilio_auth_token: SecretStr | None = Field(default=None, json_schema_extra=OWN)
    twilio_auth_token_file: Path | None = Field(default=None, json_schema_extra=OWN)
    twilio_api_key_sid: str = Field(default="", json_schema_extra=OWN)
    twilio_api_key_secret: SecretStr | None = Field(default=None, json_schema_extra=OWN)
    twilio_api_key_secret_file: Path | None = Field(default=None, json_schema_extra=OWN)
    twilio_api_url: str = Field(default=API_URL, json_schema_extra=OWN)


class TwilioConfig(HttpChannelConfig):
    """What the three kinds have in common."""

    to: Numbers
    account_sid: str = ""
    auth_token: SecretStr | None = None
    auth_token_file: Path | None = None
    """Also what Twilio signs its calls with."""
    api_key_sid: str = ""
    api_key_secret: SecretStr | None = None
    api_key_secret_file: Path | None = None
    """Requests go by this key, where it is given; the auth token then only checks signatures."""

    @model_validator(mode="after")
    def _one_source(self) -> "TwilioConfig":
        at_most_one(self, "auth_token", "auth_token_file")
        at_most_one(self, "api_key_secret", "api_key_secret_file")
        return self


class Account:
    """Who we are at Twilio; raises ConfigError for what is missing."""

    def __init__(self, config: TwilioConfig, around: Surroundings) -> None:
        common, base = around.globals, around.base
        self.sid = config.account_sid or common.twilio_account_sid
        self.token = read_key(config.auth_token, config.auth_token_file, base) or read_key(
            common.twilio_auth_token, common.twilio_auth_token_file, base
        )
        key = config.api_key_sid or common.twilio_api_key_sid
        secret = read_key(config.api_key_secret, config.api_key_secret_file, base) or read_key(
            common.twilio_api_key_secret, common.twilio_api_key_secret_file, base
        )
        if not self.sid:
            raise ConfigError("no account; set account_sid here or global.twilio_account_sid")
        if not self.token and not (key and secret):
            raise ConfigError("no auth_token; set auth_token, or auth_token_file, here or as global.twilio_auth_token")
        user, password = (key, secret) if key and secret else (self.sid, self.token)
        self.header = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.url = f"{common.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{quote(self.sid, safe='')}"
        self.secrets = (self.token, secret, self.header)


class TwilioIntegration(HttpIntegration):
    """Requests to one account, and calls that it signed."""

    key = ""

    def __init__(self, config: TwilioConfig, around: Surroundings) -> None:
        self._account = Account(config, around)
        super().__init__(config, around, config.to, self._account.secrets)

    @property
    def signed(self) -> bool:
        """Whether we could check Twilio's signature."""
        return bool(self._account.token)

    @property
    def receipts(self) -> bool:
        """Whether Twilio is asked to say what became of a message."""
        return self._reachable()

    async def _create(self, what: str, fields: list[tuple[str, str]], message: Message) -> str:
        """Create a message or a call; return its sid."""
        headers = {"Authorization": f"Basic {self._account.header}", "Accept": "application/json"}
        try:
            answer = await self._form(f"{self._account.url}/{what}.json", fields, headers)
        except RefusedError as error:
            raise _explained(error) from error
        sid = field(answer, "sid")
        await expect_receipt(self._memory, self.key, message, sid)
        return sid

    def _callback(self) -> list[tuple[str, str]]:
        return [("StatusCallback", self._around.hook_url(self.key, "status"))] if self._reachable() else []

    def _reachable(self) -> bool:
        """Tell whether Twilio could call us: it refuses requests that name a callback on this machine."""
        if not self._account.token:
            return False
        return is_public(self._around.messages.external_url)

    def _verified(self, call: Call) -> dict[str, str]:
        """Return the fields of a signed call; raises CallRefusedError."""
        fields = call.form()
        given = call.headers.get("x-twilio-signature", "")
        if not self._account.token or not given:
            raise CallRefusedError("unsigned")
        # As it came, and as we had named it: a proxy in between may have written the receiver's name in another way.
        _, mark, query = call.url.partition("?")
        named = self._around.hook_url(self.key, call.what) + mark + query
        expected = {signature(self._account.token, url, fields) for url in (call.url, named)}
        if not any(hmac.compare_digest(one.encode(), given.encode()) for one in expected):
            raise CallRefusedError("bad_signature")
        found = dict(fields)
        if found.get("AccountSid", self._account.sid) != self._account.sid:
            raise CallRefusedError("other_account")
        return found

    @staticmethod
    def _receipt(fields: dict[str, str]) -> CallAnswer:
        provider_id = fields.get("MessageSid") or fields.get("CallSid") or ""
        status = (fields.get("MessageStatus") or fields.get("CallStatus") or "").lower()
        if not provider_id or status not in _FINAL:
            # Queued, sent, ringing: the end is still to come.
            return CallAnswer()
        code = fields.get("ErrorCode", "")
        detail = f"error {code}" if code.isdigit() else ""
        return CallAnswer(receipt=Receipt(provider_id, status, failed=status in _FAILED, detail=detail))


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return X-Twilio-Signature. Source: twilio.com/docs/usage/security, Validating Signatures from Twilio."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_public(url: str) -> bool:
    """Tell whether a URL may be called from outside: not one of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def _explained(error: RefusedError) -> DeliveryError:
    # Twilio's 400s are for good but for the one that says that the queue is full.
    if '"code": 21611' in error.text or '"code":21611' in error.text:
        return DeliveryError("rate_limited", error.detail)
    return error


def twiml(*verbs: str) -> CallAnswer:
    """Return an answer in TwiML."""
    text = '<?xml version="1.0" encoding="UTF-8"?><Response>' + "".join(verbs) + "</Response>"
    return CallAnswer(text, "text/xml")


def verb(name: str, text: str = "", inner: str = "", **attributes: Any) -> str:
    """Return one TwiML verb, everything escaped but `inner`."""
    given = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{given}>{escape(text)}{inner}</{name}>"
