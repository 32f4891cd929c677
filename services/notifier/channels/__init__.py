"""The channels: one file each, and one line here."""

from services.notifier.channels.base import Channel
from services.notifier.channels.email import EmailChannel
from services.notifier.channels.webhook import WebhookChannel

CHANNELS: tuple[Channel, ...] = (
    EmailChannel(),
    WebhookChannel(),
)
