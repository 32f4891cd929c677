"""What the engine knows of receivers: the ways to reach each. Pure."""

from dataclasses import dataclass

from services.notifier.grouping import Cause


@dataclass(frozen=True)
class IntegrationInfo:
    """What the engine needs to know of one way to reach a receiver."""

    integration: str
    channel: str
    send_resolved: bool
    recipients: tuple[str, ...]
    follows: frozenset[Cause] = frozenset()
    """Of which changes beside alerts' own it wants to be told: acknowledgements and their end."""


Receivers = dict[str, tuple[IntegrationInfo, ...]]
