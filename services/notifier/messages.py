"""From a notification's data to text, by Go templates: ours, and the files of `templates:` on top."""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.common.config import ConfigError
from services.common.durations import format_duration
from services.common.gotemplate import TemplateError, alertmanager
from services.common.gotemplate.alertmanager_data import Alert, AlertInput, Alerts, Data, notification_data
from services.notifier.data import AlertData, NotificationData, by_weight

_COMPARED = re.compile(r"(>=|<=|==|!=|>|<)\s*(?:bool\s+)?[-+]?[0-9.][0-9.eE+-]*\s*$")
_THRESHOLD = re.compile(r"\(threshold: ([^)]*)\)", re.IGNORECASE)
DEFAULT_TEMPLATES = Path(__file__).parent / "templates"


class Messages:
    """The templates of one configuration; `zone` is where the people who read them live."""

    def __init__(self, files: Sequence[Path], *, external_url: str, zone: ZoneInfo) -> None:
        self.external_url, self._zone = external_url, zone
        self._templates = alertmanager.Templates()
        for path in (*sorted(DEFAULT_TEMPLATES.glob("*.tmpl")), *files):
            self._add_file(path)

    def _add_file(self, path: Path) -> None:
        try:
            self._templates.add(path.name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: the template can't be read: {error}") from error
        except TemplateError as error:
            raise ConfigError(f"{path}:{error.line}:{error.column + 1}: {error}") from error

    def check(self, name: str, text: str, *, html: bool = False) -> None:
        """Parse a text of the configuration; raises ConfigError that says what is wrong with it."""
        try:
            self._templates.check(text, html=html)
        except TemplateError as error:
            raise ConfigError(f"{name}: {error}") from error

    def render(self, text: str, data: Data, *, now: float, html: bool = False) -> str:
        """Return the text that a template of the configuration gives; raises TemplateError."""
        return self._templates.expand(text, data, now=now, html=html)

    def values(self, data: NotificationData) -> Data:
        """Return the data as templates see it: Alertmanager's names, and ours beside them."""
        ordered = [self._alert(alert) for alert in by_weight(data.alerts)]
        lead = Alert(ordered[0])
        return notification_data(
            receiver=data.receiver,
            alerts=[self._alert(alert) for alert in data.alerts],
            group_labels=data.group_labels,
            external_url=data.external_url,
            reason=data.cause.value,
            extra={
                "ReceiverName": data.receiver,
                "Cause": data.cause.value,
                "Tag": _tag(data, by_weight(data.alerts)[0]),
                "Lead": lead,
                "AnswerAllURL": data.answer_all_url,
                "Others": len(ordered) - 1,
                "Ordered": Alerts(map(Alert, ordered)),
            },
        )

    def _alert(self, alert: AlertData) -> AlertInput:
        event = alert.event
        over = event.ends_at if alert.status == "resolved" else None
        where = [event.labels[name] for name in ("component", "instance", "job") if event.labels.get(name)]
        extra: dict[str, Any] = {
            "Severity": alert.severity,
            "Title": event.annotations.get("summary") or event.labels.get("alertname", "Alert"),
            "Where": ", ".join(dict.fromkeys(where)),
            "Since": self._told(event.starts_at),
            "Until": "" if over is None else self._told(over),
            "Lasted": "" if over is None else format_duration(round(max(0.0, over - event.starts_at))),
            "Short": _short(event.annotations.get("description", ""), event.rule.expr),
            "Value": "" if event.value is None else f"{event.value:.6g}",
            "Flapping": event.flapping,
            "PageURL": alert.page_url,
            "AcknowledgeURL": alert.acknowledge_url,
            "AnswerURL": alert.answer_url,
            "ActionURL": alert.action_url,
        }
        return AlertInput(
            status=alert.status,
            labels=event.labels,
            annotations=event.annotations,
            starts_at=event.starts_at,
            ends_at=over,
            generator_url=event.generator_url,
            fingerprint=event.fingerprint,
            extra=extra,
        )

    def _told(self, at: float) -> str:
        return f"{dt.datetime.fromtimestamp(at, self._zone):%H:%M:%S %Z, %a %d %b}"


def _short(description: str, expr: str) -> str:
    """Return the first line as a text message has it: `45 pending (threshold: 20)` becomes `45 pending (>20).`."""
    line = description.strip().partition("\n")[0].strip()
    if (compared := _COMPARED.search(expr)) is not None:
        line = _THRESHOLD.sub(lambda found: f"({compared[1]}{found[1].strip()})", line)
    return line + "." if line and line[-1] not in ".!?" else line


def _tag(data: NotificationData, lead: AlertData) -> str:
    if data.cause == "test":
        return "TEST"
    return "RESOLVED" if data.status == "resolved" else (lead.severity or "firing").upper()
