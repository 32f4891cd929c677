"""What every channel has in common: the port, the message, and the one error type."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from services.common.clock import Clock, SystemClock
from services.common.config import StrictModel
from services.common.events import AlertEvent
from services.notifier.channels.kit.memory import Memory
from services.notifier.grouping import Cause
from services.notifier.links import Links
from services.notifier.messages import Messages

AUTHENTICATION_FAILED = "authentication_failed"
"""We are not let in: another try by the same login is in vain until somebody mends it, and then nothing may be lost."""


class DeliveryError(Exception):
    """A message that did not arrive.

    `reason` is bounded (a metric label); `detail` is for people and holds no secret. `permanent`: trying again can't
    help. `retry_after`: seconds that the receiver asked for.
    """

    def __init__(
        self, reason: str, detail: str = "", *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail, self.permanent, self.retry_after = reason, detail, permanent, retry_after


@dataclass(frozen=True)
class Message:
    """One message to one recipient; `delivery_id` and `created_at` are the same at every attempt."""

    delivery_id: str
    recipient: str
    receiver: str
    status: Literal["firing", "resolved", "test"]
    cause: Cause
    group_key: str
    group_labels: dict[str, str]
    alerts: Sequence[AlertEvent]
    created_at: float
    thread: str = ""
    """The delivery id of the first message of this story to this recipient."""
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    """Who took on which of the alerts, by their ids."""


class Integration(Protocol):
    """One configured way to reach a receiver.

    It may also have `follows`: the causes Cause.ACKNOWLEDGED and Cause.UNACKNOWLEDGED for which it wants a message
    that updates an earlier one; `receive` (see `kit.inbound.Inbound`) for a provider's calls; and `receipts`: the
    provider will say later what became of a message that it has taken.
    """

    send_resolved: bool
    timeout: float
    """Seconds after which an attempt counts as hung."""
    concurrency: int
    """How many messages may be under way at once."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets a message of their own; no secret may stand here, it is shown and recorded."""
        ...

    async def send(self, message: Message) -> str:
        """Send it; return the provider's id for it ("" if it gives none). Raises DeliveryError."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What an integration is built from beside its own configuration."""

    globals: Any
    """The `global` section of the file (`GlobalConfig`)."""
    base: Path
    """The folder that relative paths in the file start at."""
    messages: Messages
    clock: Clock
    stack: AsyncExitStack
    """Closes what the integration opens when its configuration goes out of force."""
    memory: Memory = field(default_factory=lambda: Memory(SystemClock()))
    """What channels keep of their messages."""
    receiver: str = ""
    """The receiver that the integration is built for."""
    links: Links | None = None
    """Makes signed links by which a mail's reader answers; None: only the dashboard's pages."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Where a provider's own programs would look for logins, too."""

    def hook_url(self, channel: str, what: str) -> str:
        """Return where a provider reaches the integration's `receive`."""
        return f"{self.messages.external_url.rstrip('/')}/hooks/{channel}/{quote(self.receiver, safe='')}/{what}"


class Channel(Protocol):
    """A kind of integration: its key in a receiver is `<key>_configs`."""

    @property
    def key(self) -> str:
        """`email` for `email_configs`."""
        ...

    @property
    def model(self) -> type[StrictModel]:
        """What one item of `<key>_configs` holds."""
        ...

    # A channel may also have `global_model`: a StrictModel whose fields are keys of the file's `global` section;
    # and `own = True` where Alertmanager has no such key, so that its programs are not shown it.

    def build(self, config: Any, around: Surroundings) -> Integration:
        """Build one integration; raises ConfigError for what only shows now (a secret file, a missing host)."""
        ...
