"""Handing one mail over to an SMTP server, and telling its refusals apart."""

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError

_IMPLICIT_TLS_PORT = 465
_PERMANENT = 500
_MAX_DETAIL = 200


@dataclass(frozen=True)
class SmtpServer:
    """Where and how mail is handed over."""

    host: str
    port: int
    hello: str
    tls: ssl.SSLContext
    require_tls: bool
    """False: STARTTLS is used where the server offers it, and done without where not."""
    username: str = ""
    password: str = ""
    implicit_tls: bool | None = None
    """TLS from the first byte; None: as the port says."""

    async def hand_over(self, mail: EmailMessage, sender: str, recipient: str, wait: float) -> None:
        """Send one mail to one recipient, each step within `wait` seconds; raises DeliveryError."""
        implicit = self.port == _IMPLICIT_TLS_PORT if self.implicit_tls is None else self.implicit_tls
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            local_hostname=self.hello,
            timeout=wait,
            use_tls=implicit,
            start_tls=False if implicit else (True if self.require_tls else None),
            tls_context=self.tls,
        )
        try:
            await client.connect()
            if self.username:
                await client.login(self.username, self.password)
            await client.send_message(mail, sender=sender, recipients=[recipient])
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise translate(error, self._scrub) from error
        finally:
            # No QUIT: it could hang after the mail was accepted, and would then look like a failure.
            client.close()

    def _scrub(self, text: str) -> str:
        """Return the text without the password: a server may repeat what it did not like."""
        for secret in (self.password, f"\0{self.username}\0{self.password}") if self.password else ():
            for form in (secret, base64.b64encode(secret.encode()).decode()):
                text = text.replace(form, "<secret>")
        return text


def _as_it_is(text: str) -> str:
    return text


def translate(error: Exception, scrub: Callable[[str], str] = _as_it_is) -> DeliveryError:  # noqa: PLR0911 - one return for each kind of failure
    """Return the one error type: 5xx answers are permanent, but not for the login, which may be mended meanwhile."""
    detail = scrub(str(error) or type(error).__name__)[:_MAX_DETAIL]
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return DeliveryError(AUTHENTICATION_FAILED, detail)
        case aiosmtplib.SMTPRecipientsRefused():
            first = error.recipients[0]
            permanent = first.code >= _PERMANENT
            reason = "recipient_refused" if permanent else "recipient_deferred"
            return DeliveryError(reason, scrub(f"{first.code} {first.message}")[:_MAX_DETAIL], permanent=permanent)
        case aiosmtplib.SMTPTimeoutError() | TimeoutError():
            return DeliveryError("timeout", detail)
        case aiosmtplib.SMTPConnectResponseError() | aiosmtplib.SMTPHeloError():
            return DeliveryError("server_refused", detail)
        case aiosmtplib.SMTPResponseException():
            permanent = error.code >= _PERMANENT
            return DeliveryError("message_refused" if permanent else "deferred", detail, permanent=permanent)
        case aiosmtplib.SMTPServerDisconnected():
            return DeliveryError("connection_broken", detail)
        case aiosmtplib.SMTPConnectError() | OSError():
            tls = isinstance(error.__cause__ or error, ssl.SSLError)
            return DeliveryError("tls_failed" if tls else "connection_failed", detail)
        case _:
            # No STARTTLS or no AUTH at the server, or an answer that makes no sense: the server may be mended.
            return DeliveryError("smtp_error", detail)
