"""What a notification is made of, before it becomes text: Alertmanager's data with links of our own. Pure."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import urljoin

from services.common.events import AlertEvent, AlertStatus, Severity
from services.notifier.grouping import Cause

ZERO_TIME = "0001-01-01T00:00:00Z"
_META = frozenset(r"\.+*?()|[]{}^$")
_ORDER = {severity.value: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True)
class AlertData:
    """One alert as a message tells of it."""

    event: AlertEvent
    page_url: str
    """The alert's page on the dashboard."""
    acknowledge_url: str
    """The same page, at the button."""
    action_url: str
    """The rule's `action_link`, whole; "" when it has none or one that is no web address."""
    answer_url: str = ""
    """A signed link at which the mail's reader can acknowledge without a login, once."""

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """Alertmanager's word for it."""
        return "firing" if self.event.status is AlertStatus.FIRING else "resolved"

    @property
    def severity(self) -> str:
        """The label, "" where the alert has none."""
        return self.event.labels.get("severity", "")


@dataclass(frozen=True)
class NotificationData:
    """A whole message."""

    receiver: str
    status: Literal["firing", "resolved"]
    cause: Cause
    alerts: tuple[AlertData, ...]
    group_labels: dict[str, str]
    external_url: str
    answer_all_url: str = ""
    """A signed link at which the mail's reader can acknowledge all that fires, where there is more than one."""

    @property
    def common_labels(self) -> dict[str, str]:
        """Labels that all alerts share."""
        return common([alert.event.labels for alert in self.alerts])

    @property
    def common_annotations(self) -> dict[str, str]:
        """Annotations that all alerts share."""
        return common([alert.event.annotations for alert in self.alerts])


def by_weight(alerts: Iterable[AlertData]) -> list[AlertData]:
    """Return the alerts with what matters most first: firing before resolved, then severity, then the oldest."""
    return sorted(
        alerts,
        key=lambda alert: (alert.status != "firing", _ORDER.get(alert.severity, len(_ORDER)), alert.event.starts_at),
    )


def common(sets: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return the pairs that all have, by name."""
    if not sets:
        return {}
    first, *rest = sets
    if not rest:
        return {name: first[name] for name in sorted(first)}
    return {name: first[name] for name in sorted(first) if all(other.get(name) == first[name] for other in rest)}


def alert_data(event: AlertEvent, external_url: str) -> AlertData:
    """Return one alert with its links."""
    base = external_url.rstrip("/") + "/"
    page = f"{base}alerts/{event.alert_id}"
    link = event.annotations.get("action_link", "").strip()
    # `/trends` means a page of the dashboard, wherever below a proxy's path that is.
    whole = urljoin(base, link[1:] if link.startswith("/") and not link.startswith("//") else link)
    # Annotations may hold anything: only web addresses become links.
    safe = whole if link and whole.startswith(("http://", "https://")) else ""
    return AlertData(event, page, f"{page}#acknowledge", safe)


def notification_data(
    *,
    receiver: str,
    cause: Cause,
    alerts: Sequence[AlertEvent],
    group_labels: dict[str, str],
    external_url: str,
    answer_url: Callable[[str], str] | None = None,
    answer_all_url: str = "",
) -> NotificationData:
    """Return what a message about these alerts is made of; `answer_url` gives a signed link for an alert's id."""
    told = tuple(alert_data(event, external_url) for event in alerts)
    if answer_url is not None:
        told = tuple(
            replace(one, answer_url=answer_url(one.event.alert_id)) if one.status == "firing" else one for one in told
        )
    status: Literal["firing", "resolved"] = "firing" if any(alert.status == "firing" for alert in told) else "resolved"
    return NotificationData(receiver, status, cause, told, group_labels, external_url, answer_all_url)


def quote_meta(text: str) -> str:
    """Return the text as Go's regexp.QuoteMeta does: Alertmanager gives a receiver's name so."""
    return "".join(f"\\{char}" if char in _META else char for char in text)


@lru_cache(maxsize=4096)
def rfc3339(at: float) -> str:
    """Return the time in UTC as Go's JSON writes it, to the millisecond; a fraction only where there is one."""
    moment = dt.datetime.fromtimestamp(round(at, 3), dt.UTC)
    fraction = f".{round(moment.microsecond / 1000):03d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.isoformat()[:19]}{fraction}Z"
