"""The channels: one file each, and one line here."""

from services.notifier.channels.base import Channel
from services.notifier.channels.discord import DiscordChannel
from services.notifier.channels.email import EmailChannel
from services.notifier.channels.msteams import MsteamsChannel
from services.notifier.channels.msteamsv2 import Msteamsv2Channel
from services.notifier.channels.opsgenie import OpsgenieChannel
from services.notifier.channels.pagerduty import PagerdutyChannel
from services.notifier.channels.ringcentral_sms import RingcentralSmsChannel
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.sns import SnsChannel
from services.notifier.channels.telegram import TelegramChannel
from services.notifier.channels.twilio_sms import TwilioSmsChannel
from services.notifier.channels.twilio_voice import TwilioVoiceChannel
from services.notifier.channels.twilio_whatsapp import TwilioWhatsappChannel
from services.notifier.channels.webhook import WebhookChannel

CHANNELS: tuple[Channel, ...] = (
    DiscordChannel(),
    EmailChannel(),
    MsteamsChannel(),
    Msteamsv2Channel(),
    OpsgenieChannel(),
    PagerdutyChannel(),
    RingcentralSmsChannel(),
    SlackChannel(),
    SnsChannel(),
    TelegramChannel(),
    TwilioSmsChannel(),
    TwilioVoiceChannel(),
    TwilioWhatsappChannel(),
    WebhookChannel(),
)
