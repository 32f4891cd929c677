"""From an element of a rule's vector to an alert: its labels, annotations and fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.common.gotemplate import prometheus
from services.common.labels import ALERT_NAME, METRIC_NAME, fingerprint
from services.evaluator.rules.definition import AlertingRule
from services.evaluator.rules.state import Sample

Query = prometheus.Query


@dataclass(frozen=True)
class Externals:
    """What templates may say of this Tocsin."""

    labels: Mapping[str, str]
    url: str


class AlertTemplates:
    """One rule's labels and annotations; expands anew only for an element whose value has changed."""

    def __init__(self, rule: AlertingRule, externals: Externals) -> None:
        self._rule, self._externals = rule, externals
        texts = [*rule.labels.values(), *rule.annotations.values()]
        # `query` and `now` may say something else although labels and value are the same.
        self._steady = not any("{{" in text and ("query" in text or "now" in text) for text in texts)
        self.queries = any("{{" in text and "query" in text for text in texts)
        self._fixed = not any("{{" in text for text in texts)
        self._cache: dict[frozenset[tuple[str, str]], tuple[float, str, Sample]] = {}

    def apply(
        self, elements: list[tuple[Mapping[str, str], float]], query: Query, now: float
    ) -> list[tuple[str, Sample]]:
        """Return fingerprint and sample of each element, in their order."""
        found: list[tuple[str, Sample]] = []
        cache: dict[frozenset[tuple[str, str]], tuple[float, str, Sample]] = {}
        for labels, value in elements:
            key = frozenset(labels.items())
            known = self._cache.get(key)
            if known is not None and self._steady and known[0] == value:
                cache[key] = known
            elif known is not None and self._fixed:
                old = known[2]
                cache[key] = (value, known[1], Sample(old.labels, old.annotations, old.metric, value))
            else:
                sample = self._expand(labels, value, query, now)
                cache[key] = (value, fingerprint(sample.labels), sample)
            found.append(cache[key][1:])
        self._cache = cache
        return found

    def _expand(self, labels: Mapping[str, str], value: float, query: Query, now: float) -> Sample:
        def text(template: str) -> str:
            return prometheus.expand_or_error(
                template, labels=labels, value=value, external_labels=self._externals.labels,
                external_url=self._externals.url, query=query, now=now, alert=self._rule.name,
            )  # fmt: skip

        metric = {name: one for name, one in labels.items() if name != METRIC_NAME}
        own = {name: text(one) for name, one in self._rule.labels.items()}
        merged = {**metric, **own, ALERT_NAME: self._rule.name}
        return Sample(
            {name: one for name, one in merged.items() if one},
            {name: text(one) for name, one in self._rule.annotations.items()},
            metric,
            value,
        )
