"""Evaluates one rule group: queries in order, recorded series, alert states, events. No I/O; time is an argument."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import structlog

from services.common.events import AlertEvent
from services.evaluator.head import Head
from services.evaluator.promql import Engine, Expr, PromqlError
from services.evaluator.rules.alerting import AlertRunner
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule, Rule
from services.evaluator.rules.explain import Evaluation, RuleHealth
from services.evaluator.rules.query import Element, Queries, elements
from services.evaluator.rules.recording import SeriesWriter, recorded
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import RuleState

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """What one evaluation of a group leaves to be written: states by rule key (None: forget it) and events."""

    group: str
    states: Mapping[str, RuleState | None]
    events: tuple[AlertEvent, ...]
    names: frozenset[str] = frozenset()
    failures: tuple[tuple[str, str], ...] = ()
    """Rule name and reason of each rule that could not be evaluated."""


@dataclass
class _Shared:
    """The tick that the rules of one evaluation share; opened anew when a rule reads what an earlier one wrote."""

    open: Callable[[], Queries]
    tick: Queries | None = None
    written: set[str] = field(default_factory=set)

    def for_rule(self, reads: frozenset[str] | None) -> Queries:
        if self.tick is None or (self.written and (reads is None or not reads.isdisjoint(self.written))):
            self.tick, self.written = self.open(), set()
        return self.tick


class GroupRunner:
    """One group's memory: alert states, last evaluations, recorded series."""

    def __init__(self, group: Group, engine: Engine, head: Head, settings: RuleSettings) -> None:
        self.group = group
        self.health = {rule.key: RuleHealth() for rule in group.rules}
        self.last_at: float | None = None
        self.last_seconds = 0.0
        self._engine, self._head = engine, head
        self._writers = {
            rule.key: SeriesWriter(head, f"\xfe{group.key}\xff{rule.key}", settings.written) for rule in group.rules
        }
        self._reads = {rule.key: _reads(rule) for rule in group.rules}
        self.alerts: dict[str, AlertRunner] = {
            rule.key: AlertRunner(rule, group, settings) for rule in group.rules if isinstance(rule, AlertingRule)
        }

    def adopt(self, old: "GroupRunner") -> None:
        """Take over the memory of the rules that stayed, after a reload."""
        self.last_at, self.last_seconds = old.last_at, old.last_seconds
        for key in self.health:
            if key in old.health:
                self.health[key] = old.health[key]
                self._writers[key] = old._writers[key]  # noqa: SLF001 - of its own class
            if key in self.alerts and key in old.alerts:
                self.alerts[key].adopt(old.alerts[key])

    def drop_rules(self, keys: Iterable[str], t_ms: int) -> None:
        """Mark the series of rules as stale that are no longer in force."""
        for key in keys:
            self._writers[key].end(t_ms)

    def asks(self, now: float) -> list[Expr]:
        """Return all expressions that an evaluation at `now` needs."""
        return [
            expr
            for rule in self.group.rules
            for expr in (self.alerts[rule.key].asks(now) if isinstance(rule, AlertingRule) else [rule.expr])
        ]

    def try_templates(self, queries: Queries, now: float) -> None:
        """Expand all templates to no effect but what they query."""
        for alerts in self.alerts.values():
            with suppress(PromqlError):
                alerts.try_templates(queries, now)

    def evaluate(self, now: float, monotonic: Callable[[], float], queries: Queries | None = None) -> Batch:
        """Evaluate all rules at `now`, in order; a rule that fails does not stop the others.

        `queries` stand in for the engine over our own samples.
        """
        began = monotonic()
        t_ms = round((now - self.group.query_offset) * 1000)
        states: dict[str, RuleState | None] = {}
        events: list[AlertEvent] = []
        names: set[str] = set()
        failures: list[tuple[str, str]] = []
        with ExitStack() as ticks:
            shared = _Shared(lambda: queries or ticks.enter_context(self._engine.tick(self._head, t_ms)))
            for rule in self.group.rules:
                start = monotonic()
                tick = shared.for_rule(self._reads[rule.key])
                found: list[Element] = []
                error = ""
                try:
                    found = elements(tick.instant(rule.expr))
                    wrote = self._apply(rule, found, tick, now, t_ms, states, events)
                    shared.written |= wrote
                    names |= wrote
                except PromqlError as problem:
                    error, reason = problem.message, problem.reason
                except Exception as problem:  # noqa: BLE001 - a defect that one rule hits must not cost the others
                    error, reason = f"internal error: {type(problem).__name__}: {problem}", "internal"
                if error:
                    failures.append((rule.name, reason))
                    self._failed(rule, now, states, events)
                self._explain(rule, Evaluation(now, monotonic() - start, len(found), error))
        self.last_at, self.last_seconds = now, monotonic() - began
        return Batch(self.group.key, states, tuple(events), frozenset(names), tuple(failures))

    def _apply(
        self, rule: Rule, found: list[Element], tick: Queries, now: float, t_ms: int,
        states: dict[str, RuleState | None], events: list[AlertEvent],
    ) -> set[str]:  # fmt: skip
        writer = self._writers[rule.key]
        if isinstance(rule, RecordingRule):
            writer.write(t_ms, recorded(rule, found, self.group.limit))
            return {rule.name}
        outcome = self.alerts[rule.key].evaluate(found, tick, now)
        states.update(outcome.states)
        events += outcome.events
        writer.write(t_ms, outcome.series)
        if outcome.error is not None:
            raise outcome.error
        return {"ALERTS", "ALERTS_FOR_STATE"} if outcome.series or writer.alive else set()

    def _failed(self, rule: Rule, now: float, states: dict[str, RuleState | None], events: list[AlertEvent]) -> None:
        if isinstance(rule, AlertingRule):
            outcome = self.alerts[rule.key].resend(now)
            states.update(outcome.states)
            events += outcome.events

    def _explain(self, rule: Rule, evaluation: Evaluation) -> None:
        health = self.health[rule.key]
        if evaluation.error != health.last_error:
            if evaluation.error:
                log.warning("rule_failed", group=self.group.key, rule=rule.name, error=evaluation.error)
            else:
                log.info("rule_recovered", group=self.group.key, rule=rule.name)
        health.add(evaluation)


def _reads(rule: Rule) -> frozenset[str] | None:
    one = Group("", "", "", 1.0, 0.0, 0, (rule,))
    texts = [*rule.labels.values(), *(rule.annotations.values() if isinstance(rule, AlertingRule) else ())]
    # A template may query anything.
    return None if any("query" in text for text in texts) else one.reads
