"""Slack: incoming webhook, or a bot that updates its message, replies in its thread and has an Acknowledge button."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel
from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError, Integration, Message, Surroundings
from services.notifier.channels.kit import slack_actions
from services.notifier.channels.kit.inbound import Call, CallAnswer
from services.notifier.channels.kit.integration import (
    HttpChannelConfig,
    HttpIntegration,
    at_most_one,
    check_texts,
    field,
    host_of,
    read_key,
    read_url,
    secret_parts,
)
from services.notifier.channels.kit.slack_message import TEXTS, SlackAction, SlackField, payload
from services.notifier.channels.kit.texts import is_update
from services.notifier.channels.kit.tickets import KEEP, Tickets
from services.notifier.grouping import Cause
from services.notifier.shown import OWN

_POST = "https://slack.com/api/chat.postMessage"
_TEMPORARY = frozenset({
    "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited",
    "accesslimited", "team_added_to_org",
})  # fmt: skip
_NOT_LET_IN = frozenset({
    "access_denied", "account_inactive", "invalid_auth", "missing_scope", "no_permission", "not_allowed_token_type",
    "not_authed", "org_login_required", "token_expired", "token_revoked", "two_factor_setup_required",
})  # fmt: skip
# The message that we would update is gone, or too old to be changed.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "update_failed"})


class SlackGlobals(StrictModel):
    """Slack's keys of `global`."""

    slack_api_url: SecretStr | None = None
    slack_api_url_file: Path | None = None
    slack_app_token: SecretStr | None = None
    slack_app_token_file: Path | None = None
    slack_app_url: str = _POST


class SlackConfig(HttpChannelConfig):
    """One of `slack_configs`; every text is a template."""

    api_url: SecretStr | None = None
    api_url_file: Path | None = None
    app_token: SecretStr | None = None
    app_token_file: Path | None = None
    app_url: str | None = None
    signing_secret: SecretStr | None = Field(default=None, json_schema_extra=OWN)
    signing_secret_file: Path | None = Field(default=None, json_schema_extra=OWN)
    """The app's signing secret: with it messages of the bot have a button Acknowledge."""
    channel: str = ""
    username: str = '{{ template "slack.default.username" . }}'
    color: str = '{{ template "slack.default.color" . }}'
    title: str = '{{ template "slack.default.title" . }}'
    title_link: str = '{{ template "slack.default.titlelink" . }}'
    pretext: str = '{{ template "slack.default.pretext" . }}'
    text: str = '{{ template "slack.default.text" . }}'
    message_text: str = ""
    fallback: str = '{{ template "slack.default.fallback" . }}'
    callback_id: str = '{{ template "slack.default.callbackid" . }}'
    footer: str = '{{ template "slack.default.footer" . }}'
    icon_emoji: str = '{{ template "slack.default.iconemoji" . }}'
    icon_url: str = '{{ template "slack.default.iconurl" . }}'
    image_url: str = ""
    thumb_url: str = ""
    fields: tuple[SlackField, ...] = ()
    short_fields: bool = False
    link_names: bool = False
    mrkdwn_in: tuple[str, ...] = ("fallback", "pretext", "text")
    actions: tuple[SlackAction, ...] = ()
    update_message: bool = True
    """A bot's message is changed in place; Alertmanager's default is false."""
    post_updates_to_thread: bool = True
    """A bot's repeats and news go to the message's thread; Alertmanager's default is false."""

    @model_validator(mode="after")
    def _one_way(self) -> "SlackConfig":
        at_most_one(self, "api_url", "api_url_file", "app_token", "app_token_file")
        at_most_one(self, "signing_secret", "signing_secret_file")
        return self


class SlackIntegration(HttpIntegration):
    """Posts to a webhook, or as a bot where there is a token."""

    def __init__(self, config: SlackConfig, around: Surroundings, *, url: str, token: str, signing: str) -> None:
        who = config.channel or host_of(url)
        super().__init__(config, around, (who,), (token, signing, *(() if token else secret_parts(url))))
        self._config, self._url, self._token, self._signing = config, url, token, signing
        self._tickets = Tickets(around.memory)
        if token and config.update_message:
            self.follows = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})

    async def send(self, message: Message) -> str:
        """See the port; the id is `<channel>/<ts>` of the message."""
        body = payload(self._config, self._text(message))
        if not self._token:
            await self._webhook(body)
            return ""
        if self._signing:
            button = await self._tickets.issue(message) if message.status == "firing" else ""
            body["attachments"].append(slack_actions.state(message, button))
        known = await self._memory.get(f"slack:{message.thread}")
        if known is not None and (kept := await self._follow_up(body, message, known)):
            return kept
        return await self._first(body, message)

    async def receive(self, call: Call) -> CallAnswer:
        """Answer a press of the button; raises CallRefusedError."""
        return await slack_actions.pressed(call, self._signing, self._memory, self._tickets)

    async def _webhook(self, body: dict[str, Any]) -> None:
        answer = await self._json(self._url, body)
        if isinstance(answer, dict) and answer.get("ok") is False:
            raise self._refusal(answer)

    async def _first(self, body: dict[str, Any], message: Message) -> str:
        answer = await self._bot(self._url, body)
        place = {"channel": field(answer, "channel"), "ts": field(answer, "ts")}
        await self._memory.put(f"slack:{message.thread}", place, KEEP)
        return f"{place['channel']}/{place['ts']}"

    async def _follow_up(self, body: dict[str, Any], message: Message, known: dict[str, Any]) -> str:
        """Update the first message and tell its thread what is new; "" when that message is gone."""
        if self._config.update_message:
            changed = {key: value for key, value in body.items() if key not in {"username", "icon_emoji", "icon_url"}}
            try:
                await self._bot(self._sibling("chat.update"), {**changed, **known})
            except _GoneError:
                return ""
        news = not is_update(message)
        if self._config.post_updates_to_thread and (news or not self._config.update_message):
            # Slack tells nobody of a change in place. What is more than a repeat is shown in the channel, too.
            aloud = news and message.cause is not Cause.REPEAT
            reply = {**body, "channel": known["channel"], "thread_ts": known["ts"], "reply_broadcast": aloud}
            await self._bot(self._url, reply)
        elif not self._config.update_message:
            return ""
        return f"{known['channel']}/{known['ts']}"

    def _sibling(self, method: str) -> str:
        return self._url.rpartition("/")[0] + "/" + method

    async def _bot(self, url: str, body: dict[str, Any]) -> Any:
        # Slack warns of JSON without a charset.
        headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {self._token}"}
        answer = await self._json(url, body, headers=headers)
        if isinstance(answer, dict) and answer.get("ok") is True:
            return answer
        raise self._refusal(answer)

    def _refusal(self, answer: Any) -> DeliveryError:
        word = field(answer, "error")
        if word in _GONE:
            return _GoneError(word)
        if word in _TEMPORARY or not word:
            reason = "rate_limited" if "limited" in word else "server_error"
            return self._failure(reason, word or str(answer), permanent=False)
        if word in _NOT_LET_IN:
            return self._failure(AUTHENTICATION_FAILED, word, permanent=False)
        return self._failure("refused", word, permanent=True)


class _GoneError(DeliveryError):
    def __init__(self, word: str) -> None:
        super().__init__("refused", word, permanent=True)


class SlackChannel:
    """`slack_configs`."""

    key = "slack"
    model = SlackConfig
    global_model = SlackGlobals

    def build(self, config: SlackConfig, around: Surroundings) -> Integration:
        """See the port."""
        common, base = around.globals, around.base
        check_texts(around, {name: getattr(config, name) for name in TEXTS})
        signing = read_key(config.signing_secret, config.signing_secret_file, base)
        own_url = config.api_url is not None or config.api_url_file is not None
        token = "" if own_url else read_key(config.app_token, config.app_token_file, base)
        by_global_url = common.slack_api_url is not None or common.slack_api_url_file is not None
        if not token and not own_url and not by_global_url:
            token = read_key(common.slack_app_token, common.slack_app_token_file, base)
        if token:
            url = read_url(config.app_url or common.slack_app_url, None, base, "app_url")
        else:
            value, file = (
                (config.api_url, config.api_url_file) if own_url else (common.slack_api_url, common.slack_api_url_file)
            )
            url = read_url(value, file, base, "api_url")
            token = _bot_token(config, around, url)
        if signing and not token:
            raise ConfigError("signing_secret needs app_token: a webhook's messages can't have a button")
        if token and not config.channel:
            raise ConfigError("a bot needs channel: the name or id of a channel that it is a member of")
        return SlackIntegration(config, around, url=url, token=token, signing=signing)


def _bot_token(config: SlackConfig, around: Surroundings, url: str) -> str:
    """Return the token of Alertmanager's other way to be a bot: api_url names the method, http_config the token."""
    if not url.endswith("/chat.postMessage"):
        return ""
    http_config = config.http_config or around.globals.http_config
    way = http_config.authorization
    if way is not None:
        return read_key(way.credentials, way.credentials_file, around.base)
    return read_key(http_config.bearer_token, http_config.bearer_token_file, around.base)
