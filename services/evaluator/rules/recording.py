"""Series that rules write: recorded results, ALERTS and ALERTS_FOR_STATE."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.common.labels import METRIC_NAME
from services.evaluator.head import Head, Layout
from services.evaluator.promql import EvaluationError
from services.evaluator.rules.definition import RecordingRule
from services.evaluator.rules.query import Element


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
    """Appends a rule's series to the head; what is missing from one write to the next becomes stale."""

    def __init__(self, head: Head, key: str) -> None:
        self._head, self._key = head, key
        self._layout: Layout | None = None
        self._labels: list[Mapping[str, str]] = []
        self.alive = False

    def write(self, t_ms: int, series: Sequence[Element]) -> None:
        """Append these series at that time; an empty write marks the last ones as stale."""
        if not series:
            self.end(t_ms)
            return
        labels = [one for one, _ in series]
        if self._layout is None or labels != self._labels:
            self._labels, self._layout = labels, Layout(tuple(labels))
        values = np.array([value for _, value in series], dtype=np.float64)
        self._head.target(self._key).append(t_ms, self._layout, values)
        self.alive = True

    def end(self, t_ms: int) -> None:
        """Mark the series as stale; they come to an end or their rule does."""
        if self.alive:
            columns = self._head.target(self._key)
            columns.append_stale(max(t_ms, columns.last_time + 1))
        self.alive = False
