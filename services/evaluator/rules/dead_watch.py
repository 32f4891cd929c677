"""Looks now and then which rules in force read series that are not there, or join what can't match."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import structlog

from services.evaluator.head import Head
from services.evaluator.promql import Expr, Matcher
from services.evaluator.rulecheck.joins import impossible
from services.evaluator.rulecheck.shape import live_shapes
from services.evaluator.rules.dead import DeadSelector, Labels, dead_selectors
from services.evaluator.rules.definition import AlertingRule, RecordingRule, Rule
from services.evaluator.rules.runner import GroupRunner
from services.evaluator.telemetry import RuleTelemetry

EVERY = 60.0
"""Seconds between two looks; nobody needs to know sooner."""
_PAST, _FUTURE = -(1 << 60), 1 << 60
log = structlog.get_logger(__name__)
Key = tuple[str, str]
"""Group key and rule key."""


class _Series(Collection[Labels]):
    """Label sets of a selection, not copied: there may be many and mostly only their number counts."""

    def __init__(self, parts: list[Sequence[Labels]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[Labels]:
        return (labels for part in self._parts for labels in part)

    def __contains__(self, labels: object) -> bool:
        return any(labels in part for part in self._parts)


class DeadWatch:
    """Names rules whose selectors match nothing, once each.

    A rule is judged when it was in force for `after` seconds.
    """

    def __init__(self, head: Head, telemetry: RuleTelemetry, after: float) -> None:
        self._head, self._telemetry, self._after = head, telemetry, after
        self._since: dict[Key, float] = {}
        self._found: dict[Key, list[DeadSelector]] = {}
        self._looked: float | None = None

    def of(self, group: str, rule: str) -> list[DeadSelector]:
        """Return what was found of a rule."""
        return self._found.get((group, rule), [])

    def look(self, runners: Iterable[GroupRunner], now: float) -> None:
        """Look at all rules unless that was done a moment ago; `now` is the monotonic clock's."""
        if self._looked is not None and now - self._looked < min(EVERY, self._after):
            return
        self._looked = now
        runners = [runner for runner in runners if not runner.group.source]
        made = {rule.name for one in runners for rule in one.group.rules if isinstance(rule, RecordingRule)}
        since: dict[Key, float] = {}
        found: dict[Key, list[DeadSelector]] = {}
        for runner in runners:
            dead = 0
            for rule in runner.group.rules:
                key = (runner.group.key, rule.key)
                since[key] = self._since.get(key, now)
                if now - since[key] >= self._after:
                    selectors = self._selectors(runner, rule, made)
                    dead += bool(selectors)
                    if selectors:
                        found[key] = selectors
                    self._note(runner, rule, selectors)
            self._telemetry.without_series.labels(runner.group.key).set(dead)
        self._since, self._found = since, found

    def _selectors(self, runner: GroupRunner, rule: Rule, made: Collection[str]) -> list[DeadSelector]:
        found = dead_selectors(rule.expr, self._lookup, made=made)
        if isinstance(rule, AlertingRule) and rule.clear is not None:
            found += [one for one in dead_selectors(rule.clear, self._lookup, made=made) if one not in found]
        last = runner.health[rule.key].last
        # A rule that gives series shows by that that its joins match, and most rules do.
        if not found and last is not None and not last.series:
            found = self._joins(rule.expr)
        return found

    def _joins(self, expr: Expr) -> list[DeadSelector]:
        problems = dict.fromkeys(impossible(expr, live_shapes(expr, self._lookup)))
        return [DeadSelector(expr.text, "", join=problem) for problem in problems]

    def _lookup(self, matchers: Sequence[Matcher]) -> Collection[Labels]:
        return _Series([block.labels for block in self._head.select(matchers, _PAST, _FUTURE)])

    def _note(self, runner: GroupRunner, rule: Rule, selectors: list[DeadSelector]) -> None:
        before = {one.selector for one in self._found.get((runner.group.key, rule.key), [])}
        for one in selectors:
            if one.selector not in before:
                log.warning("rule_matches_no_series", group=runner.group.key, rule=rule.name, problem=one.text)
        if before and not selectors:
            log.info("rule_matches_series_again", group=runner.group.key, rule=rule.name)
