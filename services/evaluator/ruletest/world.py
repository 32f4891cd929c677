"""The small world of one test case: a head with the input series, and the rule groups over it."""

from collections.abc import Sequence

import numpy as np

from services.evaluator.head import Head, Layout
from services.evaluator.promql import ABSENT, Engine, Expr
from services.evaluator.rules.definition import Group
from services.evaluator.rules.query import Element, elements
from services.evaluator.rules.runner import GroupRunner
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import ActiveAlert, AlertState
from services.evaluator.ruletest.model import TestCase
from services.evaluator.ruletest.notation import NotationError, parse_labels, parse_values

_FOREVER = 1e9
_INPUT = "input"


class World:
    """Time goes by `advance`; samples appear when their time has come."""

    def __init__(self, case: TestCase, groups: Sequence[Group], interval: float) -> None:
        self._interval, self.start = interval, case.start_timestamp
        self.head = Head(retention_s=_FOREVER, max_series_per_target=1_000_000)
        self._engine = Engine()
        settings = RuleSettings(
            external_labels=case.external_labels, external_url=case.external_url, started_at=self.start
        )
        self.runners = [GroupRunner(group, self._engine, self.head, settings) for group in groups]
        self._layout, self._columns = _input(case)
        self._next = 0

    def advance(self, now: float) -> list[str]:
        """Let time be `now`: append what is due, evaluate all groups; return the rules' errors."""
        self._append(now)
        for runner in self.runners:
            runner.evaluate(now, lambda: 0.0)
        return [
            f"rule: {rule.name}, time: {now - self.start:g}s, err: {runner.health[rule.key].last_error}"
            for runner in self.runners
            for rule in runner.group.rules
            if runner.health[rule.key].last_error
        ]

    def _append(self, now: float) -> None:
        while self._next < self._columns.shape[1] and self.start + self._next * self._interval <= now + 1e-9:
            t_ms = round((self.start + self._next * self._interval) * 1000)
            self.head.target(_INPUT).append(t_ms, self._layout, np.ascontiguousarray(self._columns[:, self._next]))
            self._next += 1

    def firing(self, name: str) -> list[ActiveAlert]:
        """Return the firing alerts of that name."""
        return [
            alert
            for runner in self.runners
            for alerts in runner.alerts.values()
            for state in alerts.states().values()
            for alert in state.active.values()
            if alert.state is AlertState.FIRING and alert.labels.get("alertname") == name
        ]

    def evaluate(self, expr: str | Expr, now: float) -> list[Element]:
        """Evaluate an expression; raises PromqlError."""
        return elements(self._engine.instant(expr, self.head, round(now * 1000)))


def _input(case: TestCase) -> tuple[Layout, "np.ndarray[tuple[int, int], np.dtype[np.float64]]"]:
    labels, rows = [], []
    for one in case.input_series:
        found = parse_labels(one.series)
        if found in labels:
            raise NotationError(f"series {one.series!r} stands twice")
        labels.append(found)
        rows.append(parse_values(one.values))
    columns = np.full((len(rows), max(map(len, rows), default=0)), ABSENT)
    for row, values in enumerate(rows):
        columns[row, : len(values)] = values
    return Layout(tuple(labels)), columns
