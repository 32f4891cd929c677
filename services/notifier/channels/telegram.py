"""Telegram: a bot's message, changed in place, with a button Acknowledge."""

import hmac
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel
from services.notifier.channels.base import DeliveryError, Integration, Message, Surroundings
from services.notifier.channels.http import RefusedError
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, acknowledgements
from services.notifier.channels.kit.integration import (
    HttpChannelConfig,
    HttpIntegration,
    at_most_one,
    check_texts,
    field,
    read_key,
    read_url,
)
from services.notifier.channels.kit.texts import acknowledged_by, cut, is_update
from services.notifier.channels.kit.tickets import KEEP, Tickets
from services.notifier.grouping import Cause
from services.notifier.shown import OWN

_URL = "https://api.telegram.org"
_MOST_TEXT = 4096
_TOO_MANY = 429
_BAD_REQUEST = 400
_PREFIX = "ack:"
_SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name


class TelegramGlobals(StrictModel):
    """Telegram's keys of `global`."""

    telegram_api_url: str = _URL
    telegram_bot_token: SecretStr | None = None
    telegram_bot_token_file: Path | None = None


class TelegramConfig(HttpChannelConfig):
    """One of `telegram_configs`."""

    api_url: str | None = None
    bot_token: SecretStr | None = None
    bot_token_file: Path | None = None
    chat_id: int | None = None
    chat_id_file: Path | None = None
    message_thread_id: int | None = None
    message: str = '{{ template "telegram.default.message" . }}'
    disable_notifications: bool = False
    parse_mode: Literal["Markdown", "MarkdownV2", "HTML", ""] = "HTML"
    webhook_secret: SecretStr | None = Field(default=None, json_schema_extra=OWN)
    webhook_secret_file: Path | None = Field(default=None, json_schema_extra=OWN)
    """The `secret_token` of the bot's webhook: with it messages have a button Acknowledge."""

    @model_validator(mode="after")
    def _one_source(self) -> "TelegramConfig":
        at_most_one(self, "bot_token", "bot_token_file")
        at_most_one(self, "webhook_secret", "webhook_secret_file")
        if (self.chat_id is None) == (self.chat_id_file is None):
            raise ValueError("give either chat_id or chat_id_file")
        return self


class TelegramIntegration(HttpIntegration):
    """Speaks to one chat."""

    follows = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})

    def __init__(
        self, config: TelegramConfig, around: Surroundings, *, url: str, token: str, chat: int, secret: str
    ) -> None:
        super().__init__(config, around, (str(chat),), (token, secret))
        self._config, self._chat, self._secret = config, chat, secret
        self._url = f"{url.rstrip('/')}/bot{token}/"
        # The part of the token that is no secret; updates are numbered for each bot, and come for all its chats.
        self._bot = token.partition(":")[0]
        self._tickets = Tickets(around.memory)

    async def send(self, message: Message) -> str:
        """See the port; the id is the message's in its chat."""
        body = await self._body(message)
        known = await self._memory.get(f"telegram:{message.thread}")
        if known is not None and is_update(message):
            try:
                await self._call("editMessageText", {**body, "message_id": known["message_id"]})
            except _GoneError as error:
                if error.unchanged:
                    return str(known["message_id"])
            else:
                return str(known["message_id"])
        if known is not None:
            # What is new comes as an answer to the first message: Telegram tells nobody of a change in place.
            body["reply_parameters"] = {"message_id": known["message_id"], "allow_sending_without_reply": True}
        if self._config.message_thread_id is not None:
            body["message_thread_id"] = self._config.message_thread_id
        body["disable_notification"] = self._config.disable_notifications
        message_id = field(await self._call("sendMessage", body), "result", "message_id")
        await self._memory.put(f"telegram:{message.thread}", {"message_id": int(message_id or 0)}, KEEP)
        return message_id

    async def _body(self, message: Message) -> dict[str, Any]:
        html = self._config.parse_mode == "HTML"
        text = self._text(message)(self._config.message, html=html).strip()
        by = acknowledged_by(message)
        if by and html:
            text = f"{_shortened(text, _MOST_TEXT - 300)}\n\n<b>Acknowledged</b> by {_escaped(cut(by, 200))}."
        body: dict[str, Any] = {
            "chat_id": self._chat,
            "text": _shortened(text, _MOST_TEXT) if html else cut(text, _MOST_TEXT),
        }
        if self._config.parse_mode:
            body["parse_mode"] = self._config.parse_mode
        if self._secret:
            rows = []
            if message.status == "firing" and not by:
                ticket = await self._tickets.issue(message)
                rows = [[{"text": "Acknowledge", "callback_data": _PREFIX + ticket}]]
            body["reply_markup"] = {"inline_keyboard": rows}
        return body

    async def _call(self, method: str, body: dict[str, Any]) -> Any:
        try:
            answer = await self._json(self._url + method, body)
        except RefusedError as error:
            raise _explained(error) from error
        if isinstance(answer, dict) and answer.get("ok") is True:
            return answer
        raise self._failure("server_error", str(answer), permanent=False)

    async def receive(self, call: Call) -> CallAnswer:
        """Take an update of the bot's webhook: a press of the button; raises CallRefusedError."""
        if call.what != "update":
            raise CallRefusedError("unknown_path", 404)
        given = call.headers.get(_SECRET_HEADER, "")
        if not self._secret or not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise CallRefusedError("bad_signature" if given else "unsigned")
        update = _read(call.body)
        query = update.get("callback_query")
        data = str(query.get("data", "")) if isinstance(query, dict) else ""
        if not data.startswith(_PREFIX):
            # Telegram repeats what it gets no 2xx for: what is not for us is taken and forgotten.
            return CallAnswer()
        found = await self._tickets.show(data.removeprefix(_PREFIX))
        number = str(update.get("update_id", ""))
        if not await self._memory.claim(f"telegram-call:{self._bot}:{number}", KEEP):
            raise CallRefusedError("replayed", 409)
        who = field(query, "from", "username") or field(query, "from", "first_name") or field(query, "from", "id")
        answer = {"method": "answerCallbackQuery", "callback_query_id": field(query, "id"), "text": "Acknowledged"}
        actions = acknowledgements(
            found["alerts"], by=who or "somebody", channel="Telegram", call_id=f"{self._bot}:{number}", at=call.at
        )
        return CallAnswer(json.dumps(answer), "application/json", actions)


class _GoneError(DeliveryError):
    """A message that can't be changed; `unchanged`: because it says that already."""

    unchanged = False


def _explained(error: RefusedError) -> DeliveryError:
    said = _json_or_none(error.text)
    description = field(said, "description").lower()
    if error.status == _TOO_MANY:
        seconds = field(said, "parameters", "retry_after")
        after = float(seconds) if seconds.isdigit() else error.retry_after
        return DeliveryError("rate_limited", error.detail, retry_after=after)
    if error.status == _BAD_REQUEST and "message is not modified" in description:
        same = _GoneError("refused", error.detail, permanent=True)
        same.unchanged = True
        return same
    if error.status == _BAD_REQUEST and ("to edit not found" in description or "can't be edited" in description):
        return _GoneError("refused", error.detail, permanent=True)
    return error


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise CallRefusedError("unreadable", 400) from error
    if not isinstance(found, dict):
        raise CallRefusedError("unreadable", 400)
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _shortened(text: str, most: int) -> str:
    """Return HTML that is too long without its tags, cut: a tag that is cut open would be refused."""
    if len(text) <= most:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        # Our templates close what they open within a line.
        if sum(map(len, lines)) + len(lines) + len(line) + 2 > most:
            break
        lines.append(line)
    return "\n".join(lines) + "\n…" if lines else _escaped(cut(text, most // 6))


class TelegramChannel:
    """`telegram_configs`."""

    key = "telegram"
    model = TelegramConfig
    global_model = TelegramGlobals

    def build(self, config: TelegramConfig, around: Surroundings) -> Integration:
        """See the port."""
        shared, base = around.globals, around.base
        check_texts(around, {"message": config.message}, html=config.parse_mode == "HTML")
        token = read_key(config.bot_token, config.bot_token_file, base) or read_key(
            shared.telegram_bot_token, shared.telegram_bot_token_file, base
        )
        if not token:
            raise ConfigError("no token; set bot_token, or bot_token_file, here or as global.telegram_bot_token")
        text = str(config.chat_id) if config.chat_id is not None else read_key(None, config.chat_id_file, base)
        if not text.removeprefix("-").isdigit():
            raise ConfigError(f"chat_id {text!r} must be a number")
        secret = read_key(config.webhook_secret, config.webhook_secret_file, base)
        url = read_url(config.api_url or shared.telegram_api_url, None, base, "api_url")
        return TelegramIntegration(config, around, url=url, token=token, chat=int(text), secret=secret)
