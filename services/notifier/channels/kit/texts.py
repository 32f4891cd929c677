"""From a message to the texts that a channel's templates give."""

from typing import Any

from services.common.clock import Clock
from services.common.gotemplate import TemplateError
from services.notifier.channels.base import DeliveryError, Message
from services.notifier.data import notification_data
from services.notifier.grouping import Cause
from services.notifier.messages import Messages

_QUIET = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED, Cause.RESOLVED})


class Text:
    """One message's data; renders template after template."""

    def __init__(self, messages: Messages, clock: Clock, message: Message) -> None:
        self._messages, self._clock = messages, clock
        self.data = messages.values(
            notification_data(
                receiver=message.receiver,
                cause=message.cause,
                alerts=message.alerts,
                group_labels=message.group_labels,
                external_url=messages.external_url,
            )
        )

    def __call__(self, text: str, *, html: bool = False) -> str:
        """Return what the template gives; raises DeliveryError for good when it fails: another try can't help."""
        try:
            return self._messages.render(text, self.data, now=self._clock.now(), html=html)
        except TemplateError as error:
            raise DeliveryError("template_failed", str(error), permanent=True) from error

    def all(self, texts: dict[str, str]) -> dict[str, str]:
        """Return the rendered texts by the same names, without those that come out empty."""
        return {name: found for name, text in texts.items() if (found := self(text).strip())}


def deep(value: Any, text: Text) -> Any:
    """Return JSON of the configuration with each text in it rendered."""
    match value:
        case str():
            return text(value)
        case dict():
            return {str(name): deep(one, text) for name, one in value.items()}
        case list():
            return [deep(one, text) for one in value]
    return value


def cut(text: str, most: int) -> str:
    """Return at most that many characters, the last of them an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def is_update(message: Message) -> bool:
    """Tell whether the message only changes what was told before; all else should be noticed by somebody."""
    return message.status == "resolved" or message.cause in _QUIET


def acknowledged_by(message: Message) -> str:
    """Return who has taken on what the message tells of, "" while an alert of it fires that nobody has."""
    firing = [event.alert_id for event in message.alerts if event.status.value == "firing"]
    if not firing or not all(alert_id in message.acknowledged for alert_id in firing):
        return ""
    return ", ".join(dict.fromkeys(message.acknowledged[alert_id] for alert_id in firing))
