"""Series that rules write: recorded results, ALERTS and ALERTS_FOR_STATE."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.common.labels import METRIC_NAME
from services.evaluator.head import Head, Layout
from services.evaluator.promql import STALE, EvaluationError
from services.evaluator.rules.definition import RecordingRule
from services.evaluator.rules.query import Element
from services.evaluator.rules.settings import Written


def recorded(rule: RecordingRule, found: Sequence[Element], limit: int) -> list[Element]:
    """Return the result under the rule's name and labels; raises EvaluationError on equal label sets and the limit."""
    series: list[Element] = []
    seen: set[frozenset[tuple[str, str]]] = set()
    for labels, value in found:
        merged = {**labels, **rule.labels, METRIC_NAME: rule.name}
        own = {name: one for name, one in merged.items() if one}
        identity = frozenset(own.items())
        if identity in seen:
            raise EvaluationError("vector contains metrics with the same labelset after applying rule labels")
        seen.add(identity)
        series.append((own, value))
    if limit and len(series) > limit:
        raise EvaluationError(f"exceeded limit of {limit} with {len(series)} series")
    return series


class SeriesWriter:
    """Appends a rule's series to the head; what is missing from one write to the next becomes stale.

    `written` hears of the same samples and markers.
    """

    def __init__(self, head: Head, key: str, written: Written | None = None) -> None:
        self._head, self._key, self._written = head, key, written
        self._layout: Layout | None = None
        self._labels: list[Mapping[str, str]] = []
        self.alive = False

    def write(self, t_ms: int, series: Sequence[Element]) -> None:
        """Append these series at that time; an empty write marks the last ones as stale."""
        if not series:
            self.end(t_ms)
            return
        labels = [one for one, _ in series]
        gone: list[Mapping[str, str]] = []
        if self._layout is None or labels != self._labels:
            if self._written is not None and self.alive:
                gone = _missing(self._labels, labels)
            self._labels, self._layout = labels, Layout(tuple(labels))
        values = [value for _, value in series]
        self._head.target(self._key).append(t_ms, self._layout, np.array(values, dtype=np.float64))
        self.alive = True
        if self._written is not None:
            self._written(t_ms, [*labels, *gone], [*values, *[STALE] * len(gone)])

    def end(self, t_ms: int) -> None:
        """Mark the series as stale; they come to an end or their rule does."""
        if self.alive:
            columns = self._head.target(self._key)
            at = max(t_ms, columns.last_time + 1)
            columns.append_stale(at)
            if self._written is not None:
                self._written(at, self._labels, [STALE] * len(self._labels))
        self.alive = False


def _missing(before: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    here = {frozenset(labels.items()) for labels in now}
    return [labels for labels in before if frozenset(labels.items()) not in here]
