"""What all rules share at run time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Written = Callable[[int, Sequence[Mapping[str, str]], Sequence[float]], None]
"""Takes a time (ms), the label sets, and their values; a value may be the marker of staleness."""


@dataclass(frozen=True)
class RuleSettings:
    """Times in seconds; `flap_changes`: changes within half an hour that are called flapping."""

    resend_delay: float = 60.0
    retention: float = 900.0
    flap_changes: int = 5
    no_data_memory: float = 3600.0
    """How long a label set that vanished is still missed by `no_data: alert`."""
    dead_after: float = 120.0
    """How long a rule may match no series before it is named."""
    started_at: float = 0.0
    """When this process began; alerts from before it are restored ones."""
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    written: "Written | None" = None
    """Hears of every series that a rule writes."""
