"""Slack's message as Alertmanager writes it: one attachment. Pure."""

from typing import Any, Protocol

from pydantic import model_validator

from services.common.config import StrictModel
from services.notifier.channels.kit.texts import Text, cut

_MOST_TITLE = 1024
_MOST_TEXT = 3000
TEXTS = (
    "channel", "username", "color", "title", "title_link", "pretext", "text", "message_text", "fallback",
    "callback_id", "footer", "icon_emoji", "icon_url", "image_url", "thumb_url",
)  # fmt: skip


class SlackField(StrictModel):
    """One of `fields`."""

    title: str
    value: str
    short: bool | None = None


class SlackConfirmation(StrictModel):
    """`confirm` of an action."""

    text: str
    title: str = ""
    ok_text: str = ""
    dismiss_text: str = ""


class SlackAction(StrictModel):
    """One of `actions`: a link, or a button for an app of one's own."""

    type: str
    text: str
    url: str = ""
    style: str = ""
    name: str = ""
    value: str = ""
    confirm: SlackConfirmation | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> "SlackAction":
        if not self.url and not self.name:
            raise ValueError("give name or url")
        return self


class _Config(Protocol):
    @property
    def fields(self) -> tuple[SlackField, ...]: ...
    @property
    def actions(self) -> tuple[SlackAction, ...]: ...
    @property
    def short_fields(self) -> bool: ...
    @property
    def link_names(self) -> bool: ...
    @property
    def mrkdwn_in(self) -> tuple[str, ...]: ...


def payload(config: _Config, text: Text) -> dict[str, Any]:
    """Return the body for a webhook or chat.postMessage."""
    told = text.all({name: getattr(config, name) for name in TEXTS})
    attachment: dict[str, Any] = {
        "title": cut(told.get("title", ""), _MOST_TITLE),
        "text": cut(told.get("text", ""), _MOST_TEXT),
        "fallback": told.get("fallback", ""),
        **{
            name: told[name]
            for name in ("title_link", "pretext", "callback_id", "footer", "image_url", "thumb_url", "color")
            if name in told
        },
        "mrkdwn_in": list(config.mrkdwn_in),
    }
    if config.fields:
        attachment["fields"] = [
            {
                "title": text(one.title),
                "value": text(one.value),
                "short": config.short_fields if one.short is None else one.short,
            }
            for one in config.fields
        ]
    if config.actions:
        attachment["actions"] = [_action(one, text) for one in config.actions]
    body: dict[str, Any] = {
        name: told[name] for name in ("channel", "username", "icon_emoji", "icon_url") if name in told
    }
    if "message_text" in told:
        body["text"] = told["message_text"]
    if config.link_names:
        body["link_names"] = True
    return {**body, "attachments": [attachment]}


def _action(action: SlackAction, text: Text) -> dict[str, Any]:
    names = ("type", "text", "url", "style") if action.url else ("type", "text", "style", "name", "value")
    found: dict[str, Any] = text.all({name: getattr(action, name) for name in names})
    if action.confirm is not None and not action.url:
        found["confirm"] = text.all(action.confirm.model_dump())
    return found
