"""From a notification's data to text, by Go templates: ours, and the files of `templates:` on top."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from services.common.config import ConfigError
from services.common.durations import format_duration
from services.common.gotemplate import Function, TemplateError, TemplateSet, function
from services.common.gotemplate.values import GoList, GoValue, Struct
from services.notifier.data import AlertData, NotificationData, by_weight

DEFAULT_TEMPLATES = Path(__file__).parent / "templates"
_ZERO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_FUNCTIONS: dict[str, Function] = {}


class Pairs(dict[str, str], GoValue):
    """Alertmanager's `template.KV`: a map of texts with a few methods."""

    go_type = "template.KV"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "SortedPairs": function(lambda kv: _sorted_pairs(kv)),
        "Names": function(lambda kv: [pair.fields["Name"] for pair in _sorted_pairs(kv)]),
        "Values": function(lambda kv: [pair.fields["Value"] for pair in _sorted_pairs(kv)]),
        "Remove": function(lambda kv, names: Pairs({name: kv[name] for name in kv if name not in names}), "[]string"),
    }


class PairList(GoList):
    """Alertmanager's `template.Pairs`."""

    go_type = "template.Pairs"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "Names": function(lambda pairs: [pair.fields["Name"] for pair in pairs]),
        "Values": function(lambda pairs: [pair.fields["Value"] for pair in pairs]),
    }


class AlertList(GoList):
    """Alertmanager's `template.Alerts`."""

    go_type = "template.Alerts"
    go_methods: ClassVar[Mapping[str, Function]] = {
        "Firing": function(lambda alerts: AlertList(a for a in alerts if a.fields["Status"] == "firing")),
        "Resolved": function(lambda alerts: AlertList(a for a in alerts if a.fields["Status"] == "resolved")),
    }


def _sorted_pairs(pairs: Pairs) -> PairList:
    # As Alertmanager: the alert's name first, the rest by name.
    names = sorted(pairs, key=lambda name: (name != "alertname", name))
    return PairList(Struct("template.Pair", {"Name": name, "Value": pairs[name]}) for name in names)


class Messages:
    """The templates of one configuration."""

    def __init__(self, files: Sequence[Path], *, external_url: str, zone: ZoneInfo) -> None:
        self.external_url, self._zone = external_url, zone
        self._text, self._html = TemplateSet(_FUNCTIONS), TemplateSet(_FUNCTIONS, html=True)
        for path in (*sorted(DEFAULT_TEMPLATES.glob("*.tmpl")), *files):
            self._add_file(path)

    def _add_file(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
            self._text.add(path.name, text)
            self._html.add(path.name, text)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: the template can't be read: {error}") from error
        except TemplateError as error:
            raise ConfigError(f"{path}:{error.line}:{error.column + 1}: {error}") from error

    def check(self, name: str, text: str, *, html: bool = False) -> None:
        """Parse a text of the configuration; raises ConfigError that says what is wrong with it."""
        try:
            (self._html if html else self._text).copy().add(name, text)
        except TemplateError as error:
            raise ConfigError(f"{name}: {error}") from error

    def render(self, text: str, data: Any, *, html: bool = False) -> str:
        """Return the text that a template of the configuration gives; raises TemplateError."""
        if "{{" not in text:
            return text
        templates = (self._html if html else self._text).copy()
        templates.add("message", text)
        return templates.execute("message", data)

    def values(self, data: NotificationData) -> Struct:
        """Return the data as templates see it: Alertmanager's names, and ours beside them."""
        ordered = by_weight(data.alerts)
        return Struct(
            "template.Data",
            {
                "Receiver": data.receiver,
                "Status": data.status,
                "Alerts": AlertList(self._alert(alert) for alert in data.alerts),
                "GroupLabels": Pairs(data.group_labels),
                "CommonLabels": Pairs(data.common_labels),
                "CommonAnnotations": Pairs(data.common_annotations),
                "ExternalURL": data.external_url,
                "Cause": data.cause.value,
                "Tag": _tag(data, ordered[0]),
                "Lead": self._alert(ordered[0]),
                "Others": len(ordered) - 1,
                "Ordered": AlertList(self._alert(alert) for alert in ordered),
            },
        )

    def _alert(self, alert: AlertData) -> Struct:
        event = alert.event
        since = dt.datetime.fromtimestamp(event.starts_at, self._zone)
        over = event.ends_at if alert.status == "resolved" else None
        until = _ZERO if over is None else dt.datetime.fromtimestamp(over, self._zone)
        where = [event.labels[name] for name in ("component", "instance", "job") if event.labels.get(name)]
        return Struct(
            "template.Alert",
            {
                "Status": alert.status,
                "Labels": Pairs(event.labels),
                "Annotations": Pairs(event.annotations),
                "StartsAt": since,
                "EndsAt": until,
                "GeneratorURL": event.generator_url,
                "Fingerprint": event.fingerprint,
                "Severity": alert.severity,
                "Title": event.annotations.get("summary") or event.labels.get("alertname", "Alert"),
                "Where": ", ".join(dict.fromkeys(where)),
                "Since": _told(since),
                "Until": "" if over is None else _told(until),
                "Lasted": "" if over is None else format_duration(round(max(0.0, over - event.starts_at))),
                "Value": "" if event.value is None else f"{event.value:.6g}",
                "Flapping": event.flapping,
                "PageURL": alert.page_url,
                "AcknowledgeURL": alert.acknowledge_url,
                "ActionURL": alert.action_url,
            },
        )


def _told(moment: dt.datetime) -> str:
    return f"{moment:%H:%M:%S %Z, %a %d %b}"


def _tag(data: NotificationData, lead: AlertData) -> str:
    if data.cause == "test":
        return "TEST"
    return "RESOLVED" if data.status == "resolved" else (lead.severity or "firing").upper()
