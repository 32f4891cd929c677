"""What a silence would hide, and what speaks against it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from services.api.alerts.model import Alert
from services.api.silences.matching import Matcher, covers
from services.api.silences.model import DAY, HiddenAlert, Preview, SilenceWarning

SHOWN = 50
MANY = 10
_SHARE = 0.5
_LEAST_FOR_SHARE = 3
# Labels that say what kind of alert it is, not which one.
_COARSE = frozenset({"severity", "category", "component", "job", "impact"})


def hidden(matchers: Iterable[Matcher], alerts: Iterable[Alert]) -> list[Alert]:
    """Return the alerts that the matchers cover."""
    kept = tuple(matchers)
    return [alert for alert in alerts if covers(kept, alert.labels)]


def preview(
    matchers: Sequence[Matcher],
    firing: Sequence[Alert],
    *,
    seconds: float,
    recent: Sequence[Mapping[str, str]] | None = None,
) -> Preview:
    """Return the preview; `recent` are the labels of what began within a day, None when unknown."""
    found = hidden(matchers, firing)
    shown = [
        HiddenAlert(id=one.id, name=one.name, severity=one.severity, summary=one.summary or one.name)
        for one in found[:SHOWN]
    ]
    return Preview(
        count=len(found),
        alerts=shown,
        last_day=None if recent is None else sum(covers(matchers, labels) for labels in recent),
        warnings=list(_warnings(matchers, found, len(firing), seconds)),
    )


def _warnings(
    matchers: Sequence[Matcher], found: Sequence[Alert], firing: int, seconds: float
) -> Iterable[SilenceWarning]:
    count = len(found)
    if count >= MANY or (count >= _LEAST_FOR_SHARE and count > firing * _SHARE):
        text = f"It hides {count} of the {firing} alerts that fire now."
        yield SilenceWarning(kind="many", text=text, broad=True)
    if not any(one.op == "=" and one.value and one.name not in _COARSE for one in matchers):
        text = "No matcher names an alert, an instance or such exactly: alerts that nobody thinks of are hidden too."
        yield SilenceWarning(kind="no_exact_label", text=text, broad=True)
    if critical := sum(one.severity == "critical" for one in found):
        yield SilenceWarning(kind="critical", text=f"{critical} of them critical.", broad=False)
    if seconds > DAY:
        text = "It lasts more than a day: what is hidden may be forgotten."
        yield SilenceWarning(kind="long", text=text, broad=False)
    if count == 0:
        text = "It hides nothing that fires now; look whether the labels are spelt right."
        yield SilenceWarning(kind="nothing", text=text, broad=False)
