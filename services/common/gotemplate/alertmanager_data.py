"""The data of notification templates, as Alertmanager has it, like `.Alerts.Firing` and `.CommonLabels`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from services.common.gotemplate.gotime import ZERO_TIME, Time
from services.common.gotemplate.values import Function, GoList, GoMap, GoValue, Struct, function

_META = frozenset(r"\.+*?()|[]{}^$")
_FIRING, _RESOLVED = "firing", "resolved"


@dataclass(frozen=True)
class AlertInput:
    """One alert of a notification; times in seconds since the epoch, `ends_at` None while it has no end."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None = None
    generator_url: str = ""
    fingerprint: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Tocsin's own fields, by the name that templates use."""


class Pair(GoValue):
    """A label's name and value."""

    go_type = "template.Pair"

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def go_fields(self) -> Mapping[str, Any]:
        """Return `Name` and `Value`."""
        return {"Name": self.name, "Value": self.value}


class Pairs(GoList):
    """Labels in order."""

    go_type = "template.Pairs"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "Names": function(lambda pairs: [pair.name for pair in pairs]),
        "Values": function(lambda pairs: [pair.value for pair in pairs]),
        "String": function(lambda pairs: pairs.go_string()),
    }

    def go_string(self) -> str:
        """Return `a=1, b=2`."""
        return ", ".join(f"{pair.name}={pair.value}" for pair in self)


class KV(GoMap):
    """Labels or annotations by name."""

    go_type = "template.KV"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "SortedPairs": function(lambda kv: kv.sorted_pairs()),
        "Names": function(lambda kv: [pair.name for pair in kv.sorted_pairs()]),
        "Values": function(lambda kv: [pair.value for pair in kv.sorted_pairs()]),
        "Remove": function(
            lambda kv, names: KV({name: value for name, value in kv.items() if name not in names}), "[]string"
        ),
        "String": function(lambda kv: kv.go_string()),
    }

    def sorted_pairs(self) -> Pairs:
        """Return the pairs by name, `alertname` first."""
        return Pairs(Pair(name, self[name]) for name in sorted(self, key=lambda name: (name != "alertname", name)))

    def go_string(self) -> str:
        """Return `alertname=x, job=y`."""
        return self.sorted_pairs().go_string()


class Alert(Struct):
    """An alert as templates see it."""

    def __init__(self, alert: AlertInput) -> None:
        fields = {
            "Status": alert.status,
            "Labels": KV(alert.labels),
            "Annotations": KV(alert.annotations),
            "StartsAt": Time.at(alert.starts_at),
            "EndsAt": ZERO_TIME if alert.ends_at is None else Time.at(alert.ends_at),
            "GeneratorURL": alert.generator_url,
            "Fingerprint": alert.fingerprint,
        }
        super().__init__("template.Alert", {**fields, **alert.extra})
        self.status = alert.status

    def go_json_names(self) -> Mapping[str, Any]:
        """Return the fields as the webhook names them."""
        return _json_names(self.fields)


class SomeAlerts(GoList):
    """A selection of the alerts; in Go a plain slice, which has no further selections."""

    go_type = "[]template.Alert"


class Alerts(GoList):
    """The alerts of a notification."""

    go_type = "template.Alerts"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "Firing": function(lambda alerts: SomeAlerts(alert for alert in alerts if alert.status == _FIRING)),
        "Resolved": function(lambda alerts: SomeAlerts(alert for alert in alerts if alert.status == _RESOLVED)),
    }


class Data(Struct):
    """What a notification's templates get as dot."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__("template.Data", fields)

    def go_pointer(self) -> bool:
        """Return that templates get a *Data."""
        return True

    def go_indirect(self) -> Struct:
        """Return the data that the pointer points at."""
        return Struct(self.go_type, self.fields)

    def go_json_names(self) -> Mapping[str, Any]:
        """Return the fields as the webhook names them."""
        return _json_names(self.fields)


def notification_data(
    *,
    receiver: str,
    alerts: Sequence[AlertInput],
    group_labels: Mapping[str, str],
    external_url: str,
    reason: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Data:
    """Return the data of one notification; it is firing when one of its alerts is.

    `reason` is `NotificationReason`; `extra` gives Tocsin's own fields by the name that templates use.
    """
    status = _FIRING if any(alert.status == _FIRING for alert in alerts) else _RESOLVED
    return Data(
        {
            # Alertmanager quotes the name for a regular expression, and users' templates count on it.
            "Receiver": "".join(f"\\{char}" if char in _META else char for char in receiver),
            "Status": status,
            "Alerts": Alerts(map(Alert, alerts)),
            "NotificationReason": reason,
            "GroupLabels": KV(group_labels),
            "CommonLabels": common(alert.labels for alert in alerts),
            "CommonAnnotations": common(alert.annotations for alert in alerts),
            "ExternalURL": external_url,
            **(extra or {}),
        }
    )


def common(sets: Iterable[Mapping[str, str]]) -> KV:
    """Return the pairs that all the sets have."""
    shared: KV | None = None
    for pairs in sets:
        if shared is None:
            shared = KV(pairs)
        else:
            shared = KV({name: value for name, value in shared.items() if pairs.get(name) == value})
    return KV() if shared is None else shared


def _json_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    special = {"NotificationReason": "notification_reason"}
    return {special.get(name, name[:1].lower() + name[1:]): value for name, value in fields.items()}
