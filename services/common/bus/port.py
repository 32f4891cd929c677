"""What the services need of a stream: append, read as a group with claims, read as everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class BusUnavailableError(ConnectionError):
    """The streams can't be reached now; the caller keeps its data and tries again."""


@dataclass(frozen=True)
class Entry:
    """One message: its id on the stream (`<ms>-<n>`), its payload, how often it was handed out."""

    entry_id: str
    payload: bytes
    deliveries: int = 1


class Bus(Protocol):
    """A port over streams; every method raises BusUnavailableError when they are away."""

    async def publish(self, stream: str, payloads: Sequence[bytes], *, keep_seconds: float) -> list[str]:
        """Append all payloads in one go, trim what is older than `keep_seconds`, return the new ids."""
        ...

    async def read_group(
        self, stream: str, group: str, consumer: str, *, count: int, block_ms: int, claim_idle_ms: int
    ) -> list[Entry]:
        """Return up to `count` entries for this consumer, waiting at most `block_ms` for a first one.

        First come entries that any consumer (this one too, before a restart) has held for `claim_idle_ms` without
        acknowledging them; then new ones. The group is made at the stream's beginning when it does not exist.
        """
        ...

    async def ack(self, stream: str, group: str, entry_ids: Sequence[str]) -> None:
        """Mark entries as done for the group."""
        ...

    async def lag(self, stream: str, group: str) -> int:
        """Return how many entries the group has not acknowledged or not yet seen."""
        ...

    async def last_id(self, stream: str) -> str:
        """Return the newest entry's id, "0-0" for a stream that does not exist."""
        ...

    async def read_after(self, stream: str, after: str, *, count: int, block_ms: int) -> list[Entry]:
        """Return entries newer than the id `after`, for a reader that is in no group."""
        ...
