"""E-mail by SMTP: text and HTML, one mail a recipient, threaded by group."""

import datetime as dt
import email.policy
import email.utils
import hashlib
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from services.common.config import ConfigError, StrictModel, read_secret
from services.common.durations import Duration
from services.common.gotemplate import TemplateError
from services.common.gotemplate.alertmanager_data import Data
from services.notifier.channels.base import DeliveryError, Integration, Message, Surroundings
from services.notifier.channels.http import TlsConfig
from services.notifier.channels.kit.tickets import Tickets, firing_ids
from services.notifier.channels.smtp import SmtpServer
from services.notifier.data import notification_data
from services.notifier.shown import OWN

_LINE_BREAKS = re.compile(r"[\r\n]+")
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_OWN_HEADERS = {"message-id", "date", "mime-version", "content-type", "content-transfer-encoding", "auto-submitted"}


class EmailThreading(StrictModel):
    """`threading`; here a group's mails are one thread unless it says otherwise."""

    enabled: bool = True
    thread_by_date: Literal["none", "daily"] = "none"
    """daily: all mails of a group on one day are one thread."""


class EmailConfig(StrictModel):
    """One of `email_configs`; what is left out comes from `global`."""

    to: str
    send_resolved: bool = True
    """Alertmanager's default is false; here whoever was told that it fires is told that it is over."""
    from_: str | None = Field(default=None, alias="from")
    smarthost: str | None = None
    hello: str | None = None
    auth_username: str | None = None
    auth_password: SecretStr | None = None
    auth_password_file: Path | None = None
    auth_identity: str | None = None
    auth_secret: SecretStr | None = None
    auth_secret_file: Path | None = None
    require_tls: bool | None = None
    implicit_tls: bool = Field(default=False, json_schema_extra=OWN)
    """TLS from the first byte, as on port 465."""
    force_implicit_tls: bool | None = None
    """Alertmanager's key for it: false turns it off on port 465, too."""
    threading: EmailThreading = EmailThreading()
    tls_config: TlsConfig | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    html: str = '{{ template "email.default.html" . }}'
    text: str = '{{ template "email.default.text" . }}'
    timeout: Duration = Field(default=15.0, gt=0, json_schema_extra=OWN)
    max_concurrency: int = Field(default=4, ge=1, le=64, json_schema_extra=OWN)

    @field_validator("to")
    @classmethod
    def _addresses(cls, text: str) -> str:
        if not parse_addresses(text):
            raise ValueError(
                f"{text!r} is not a list of e-mail addresses; write it like ops@example.com, a@example.com"
            )
        return text


def parse_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses of a header-like list; empty when one of them is none."""
    found = [address for _, address in email.utils.getaddresses([text])]
    return tuple(dict.fromkeys(found)) if all(map(_ADDRESS.fullmatch, found)) else ()


class EmailIntegration:
    """Sends to a list of addresses, each by itself: one that is refused does not double the others."""

    def __init__(self, config: EmailConfig, server: SmtpServer, sender: str, around: Surroundings) -> None:
        self.send_resolved, self.timeout = config.send_resolved, config.timeout
        self.concurrency = config.max_concurrency
        self.recipients = parse_addresses(config.to)
        self._config, self._server, self._messages, self._clock = config, server, around.messages, around.clock
        self._from, self._sender = sender, parse_addresses(sender)[0]
        self._links, self._tickets = around.links, Tickets(around.memory)

    async def send(self, message: Message) -> str:
        """See the port; the Message-ID is made of the delivery id, so that a second copy is known as one."""
        if self._answers_all(message):
            await self._tickets.issue(message)
        try:
            mail = self.compose(message)
        except TemplateError as error:
            raise DeliveryError("template_failed", str(error), permanent=True) from error
        await self._server.hand_over(mail, self._sender, message.recipient, self.timeout)
        return str(mail["Message-ID"])

    def compose(self, message: Message) -> EmailMessage:
        """Return the mail; raises TemplateError."""
        data = self._messages.values(
            notification_data(
                receiver=message.receiver,
                cause=message.cause,
                alerts=message.alerts,
                group_labels=message.group_labels,
                external_url=self._messages.external_url,
                answer_url=self._answer(message),
                answer_all_url=self._answer_all(message),
            )
        )
        mail = EmailMessage(policy=email.policy.SMTP)
        for name, text in self._headers(message).items():
            mail[name] = _LINE_BREAKS.sub(" ", self._render(text, data))
        mail["Message-ID"] = self._message_id(message.delivery_id)
        if (thread := self._thread(message)) and "In-Reply-To" not in mail and "References" not in mail:
            mail["In-Reply-To"] = mail["References"] = self._message_id(thread)
        mail["Date"] = email.utils.format_datetime(dt.datetime.fromtimestamp(message.created_at, dt.UTC))
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if message.status == "firing" and data.fields["Lead"].fields["Severity"] == "critical":
            mail["Importance"] = "high"
        self._add_bodies(mail, data)
        return mail

    def _answer(self, message: Message) -> Callable[[str], str] | None:
        links = self._links
        if links is None or message.status == "test":
            return None
        # From when the message was made, so that each attempt has the same link.
        return lambda alert_id: links.acknowledge_url(alert_id, message.recipient, message.created_at)

    def _answers_all(self, message: Message) -> bool:
        return self._links is not None and message.status != "test" and len(firing_ids(message)) > 1

    def _answer_all(self, message: Message) -> str:
        if self._links is None or not self._answers_all(message):
            return ""
        return self._links.acknowledge_all_url(message.delivery_id, message.recipient, message.created_at)

    def _thread(self, message: Message) -> str:
        how = self._config.threading
        if not how.enabled:
            return ""
        if how.thread_by_date == "daily":
            day = dt.datetime.fromtimestamp(message.created_at, dt.UTC).date().isoformat()
            # The day's first mail refers to it, too: mail programs join what refers to the same.
            return hashlib.sha256(f"{message.group_key}\0{day}".encode()).hexdigest()[:32]
        return message.thread if message.thread != message.delivery_id else ""

    def _headers(self, message: Message) -> dict[str, str]:
        own = {"From": self._from, "To": message.recipient, "Subject": '{{ template "email.default.subject" . }}'}
        given = {
            "-".join(part.capitalize() for part in name.split("-")): text
            for name, text in self._config.headers.items()
            if name.lower() not in _OWN_HEADERS
        }
        return {**own, **given}

    def _add_bodies(self, mail: EmailMessage, data: Data) -> None:
        text, html = self._render(self._config.text, data), self._render(self._config.html, data, html=True)
        if html and not text:
            mail.set_content(html, subtype="html")
            return
        mail.set_content(text + "\n")
        if html:
            mail.add_alternative(html, subtype="html")

    def _render(self, text: str, data: Data, *, html: bool = False) -> str:
        return self._messages.render(text, data, now=self._clock.now(), html=html).strip()

    def _message_id(self, delivery_id: str) -> str:
        return f"<{delivery_id}@{self._sender.rpartition('@')[2]}>"


class EmailChannel:
    """`email_configs`."""

    key = "email"
    model = EmailConfig

    def build(self, config: EmailConfig, around: Surroundings) -> Integration:
        """See the port."""
        sender = config.from_ or around.globals.smtp_from
        if not sender or not parse_addresses(sender):
            raise ConfigError("no sender; set global.smtp_from, or from here, to an address")
        for name, text in {**config.headers, "text": config.text}.items():
            around.messages.check(name, text)
        around.messages.check("html", config.html, html=True)
        return EmailIntegration(config, _server(config, around), sender, around)


def _server(config: EmailConfig, around: Surroundings) -> SmtpServer:
    common = around.globals
    smarthost = config.smarthost or common.smtp_smarthost
    if not smarthost:
        raise ConfigError("no server; set global.smtp_smarthost, or smarthost here, to host:port")
    host, _, port = smarthost.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"smarthost {smarthost!r} must be host:port, like mail.example.com:587")
    return SmtpServer(
        host=host.strip("[]"),
        port=int(port),
        hello=config.hello or common.smtp_hello,
        tls=(config.tls_config or common.smtp_tls_config).context(around.base),
        require_tls=common.smtp_require_tls if config.require_tls is None else config.require_tls,
        username=config.auth_username or common.smtp_auth_username,
        password=_password(config, around),
        implicit_tls=_implicit_tls(config, around),
    )


def _implicit_tls(config: EmailConfig, around: Surroundings) -> bool | None:
    if config.force_implicit_tls is not None or config.implicit_tls:
        return bool(config.force_implicit_tls) or config.implicit_tls
    forced: bool | None = around.globals.smtp_force_implicit_tls
    return forced


def _password(config: EmailConfig, around: Surroundings) -> str:
    common = around.globals
    # The secret (for CRAM-MD5) and the password are one to us: the login picks what the server offers.
    for value, file in (
        (config.auth_password, config.auth_password_file),
        (config.auth_secret, config.auth_secret_file),
        (common.smtp_auth_password, common.smtp_auth_password_file),
        (common.smtp_auth_secret, common.smtp_auth_secret_file),
    ):
        if value is not None or file is not None:
            return read_secret(value, around.base / file if file else None) or ""
    return ""
