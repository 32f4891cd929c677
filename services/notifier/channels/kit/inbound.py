"""A provider's request to us: what it brings, and what may follow from it. No I/O."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl

from services.common.events import ActionEvent


class CallRefusedError(Exception):
    """A request that is not believed or not understood; `reason` is bounded, `status` is what the caller gets."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


@dataclass(frozen=True)
class Call:
    """A request at `/hooks/<channel>/<receiver>/<what>`; header names in lower case."""

    what: str
    url: str
    """As the provider called it: the external URL with path and query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float

    def form(self) -> list[tuple[str, str]]:
        """Return the fields of a form body; raises CallRefusedError."""
        try:
            return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body))
        except (UnicodeDecodeError, ValueError) as error:
            raise CallRefusedError("unreadable", 400) from error


@dataclass(frozen=True)
class Receipt:
    """What a provider says became of a message that it had taken."""

    provider_id: str
    status: str
    """The provider's word: delivered, undelivered, failed, busy, no-answer…"""
    failed: bool = False
    detail: str = ""


@dataclass(frozen=True)
class CallAnswer:
    """What the caller gets, and what follows."""

    text: str = ""
    content_type: str = "text/plain"
    actions: tuple[ActionEvent, ...] = ()
    receipt: Receipt | None = None


@runtime_checkable
class Inbound(Protocol):
    """An integration that providers may call."""

    async def receive(self, call: Call) -> CallAnswer:
        """Verify the signature and answer; raises CallRefusedError."""
        ...


def acknowledgements(
    alert_ids: Iterable[str], *, by: str, channel: str, call_id: str, at: float
) -> tuple[ActionEvent, ...]:
    """Return an action for each alert; the same call gives the same ids, so that reading it twice is once."""
    return tuple(
        ActionEvent(
            action_id=str(uuid.UUID(bytes=hashlib.sha256(f"{channel}:{call_id}:{alert_id}".encode()).digest()[:16])),
            kind="acknowledge",
            at=at,
            by=by,
            alert_id=alert_id,
            comment=f"by {channel}",
        )
        for alert_id in alert_ids
    )
