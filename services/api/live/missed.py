"""What changed with which message: enough to tell somebody who was away what they missed. Pure."""

from collections import deque
from dataclasses import dataclass

from services.api.live.model import LiveChanges

KEPT = 600
"""Messages that a client may have missed: at two a second five minutes."""


@dataclass(frozen=True)
class Changed:
    """The parts that changed over some messages; alerts by id, whether they came, changed or went."""

    health: bool
    metrics: bool
    alerts: tuple[str, ...]


class Missed:
    """The last messages without their content: who comes back gets the present state of what they name."""

    def __init__(self, kept: int = KEPT) -> None:
        self._told: deque[tuple[int, Changed]] = deque(maxlen=kept)

    def note(self, message: LiveChanges) -> None:
        """Keep what a message changed."""
        alerts = message.alerts
        ids = () if alerts is None else (*(alert.id for alert in alerts.upsert), *alerts.remove)
        self._told.append((message.seq, Changed(message.health is not None, message.metrics is not None, ids)))

    def reaches(self, since: int | None, now: int) -> bool:
        """Tell whether all messages after `since` are known; `now` is the last one's count."""
        if since is None or since > now:
            return False
        return since == now or (bool(self._told) and self._told[0][0] <= since + 1)

    def since(self, seq: int) -> Changed:
        """Return what changed after the message `seq`."""
        later = [changed for number, changed in self._told if number > seq]
        ids = dict.fromkeys(alert_id for changed in later for alert_id in changed.alerts)
        return Changed(any(changed.health for changed in later), any(changed.metrics for changed in later), tuple(ids))
