"""`no_data: alert`: an alert of its own for label sets whose data went missing."""

from collections.abc import Mapping
from dataclasses import replace

from services.common.labels import ALERT_NAME, fingerprint
from services.evaluator.rules.definition import AlertingRule
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import AlertSettings, Labels, Outcome, RuleState, Sample, step

NO_DATA = "NoData"
NO_DATA_SUFFIX = "/no-data"


class MissingData:
    """Remembers which label sets had data, and gives the state of the NoData alerts of a rule.

    A label set is missed for `no_data_memory` after it was last seen; then it counts as removed and its alert ends.
    """

    def __init__(self, rule: AlertingRule, settings: RuleSettings) -> None:
        self.state = RuleState()
        self._rule, self._memory = rule, settings.no_data_memory
        self._seen: dict[frozenset[tuple[str, str]], tuple[float, Labels]] = {}

    def adopt(self, old: "MissingData") -> None:
        """Take over the memory before a reload."""
        self.state, self._seen = old.state, old._seen  # noqa: SLF001 - of its own class

    def evaluate(
        self, present: Mapping[frozenset[tuple[str, str]], Labels], now: float, settings: AlertSettings
    ) -> Outcome:
        """Return the outcome of the NoData alerts, given the label sets that have data now."""
        for alert in self.state.active.values():
            # After a restart an alert that is still there tells what was missed before it.
            self._seen.setdefault(frozenset(alert.metric.items()), (alert.active_at, alert.metric))
        for identity, metric in present.items():
            self._seen[identity] = (now, metric)
        self._seen = {key: one for key, one in self._seen.items() if now - one[0] <= self._memory}
        missing = [metric for key, (_, metric) in self._seen.items() if key not in present]
        vector = dict(self._sample(metric) for metric in missing)
        own = replace(settings, keep_firing=0.0, no_data="resolve")
        outcome = step(self.state, vector, now, own)
        self.state = outcome.state
        return outcome

    def _sample(self, metric: Labels) -> tuple[str, Sample]:
        fixed = {name: value for name, value in self._rule.labels.items() if "{{" not in value}
        labels = {**metric, **fixed, ALERT_NAME: NO_DATA, "rule": self._rule.name}
        shown = ", ".join(f"{name}={value}" for name, value in sorted(metric.items())) or "all series"
        annotations = {
            "summary": f"No data for {self._rule.name}",
            "description": f"The metrics of rule {self._rule.name} went missing for {shown}.",
            **{
                name: text
                for name, text in self._rule.annotations.items()
                if name in {"action", "action_link"} and "{{" not in text
            },
        }
        return fingerprint(labels), Sample(labels, annotations, metric, float("nan"))
