"""Why a scrape failed, as a bounded word that is also a label value."""

import asyncio
import socket
import ssl
from enum import StrEnum

from services.common.config import ConfigError


class Reason(StrEnum):
    """All reasons there are."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    AUTH = "auth"
    DNS = "dns"
    TLS = "tls"
    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"
    PERMISSION = "permission"
    CONFIG = "config"
    CLOSED = "closed"
    ERROR = "error"


class ScrapeError(Exception):
    """A scrape that can't be completed; `str()` says what is wrong, without secrets."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def reason_of(error: BaseException) -> Reason:
    """Return the reason behind an error, looking through its causes (clients wrap the operating system's errors)."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if isinstance(seen, ScrapeError):
            return seen.reason
        for kinds, reason in _TABLE:
            if isinstance(seen, kinds):
                return reason
        seen = seen.__cause__ or seen.__context__
    return Reason.ERROR


_TABLE: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
    ((TimeoutError, asyncio.CancelledError), Reason.TIMEOUT),
    ((ConfigError,), Reason.CONFIG),
    ((ssl.SSLError,), Reason.TLS),
    ((socket.gaierror,), Reason.DNS),
    ((ConnectionRefusedError,), Reason.REFUSED),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError, EOFError), Reason.CLOSED),
    ((PermissionError,), Reason.PERMISSION),
)
