"""Evaluates one rule group: queries in order, recorded series, alert states, events. No I/O; time is an argument."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from services.common.events import AlertEvent
from services.evaluator.head import Head
from services.evaluator.promql import Engine, Expr, PromqlError
from services.evaluator.rules.alerting import AlertRunner
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule, Rule
from services.evaluator.rules.explain import Evaluation, RuleHealth
from services.evaluator.rules.order import ALERT_SERIES
from services.evaluator.rules.query import Element, Queries, elements
from services.evaluator.rules.recording import SeriesWriter, recorded
from services.evaluator.rules.rounds import Round
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import RuleState
from services.evaluator.rules.still import StillExpression

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """What one evaluation of a group leaves to be written: states by rule key (None: forget it) and events."""

    group: str
    states: Mapping[str, RuleState | None]
    events: tuple[AlertEvent, ...]
    failures: tuple[tuple[str, str], ...] = ()
    """Rule name and reason of each rule that could not be evaluated."""


@dataclass
class _Turn:
    """One evaluation as it goes: its times, its round, and what it gave so far."""

    now: float
    t_ms: int
    round: Round
    states: dict[str, RuleState | None] = field(default_factory=dict)
    events: list[AlertEvent] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


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
        self._still = {rule.key: StillExpression(rule.expr) for rule in group.rules}
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

    def evaluate(
        self,
        now: float,
        monotonic: Callable[[], float],
        queries: Queries | None = None,
        shared: Round | None = None,
    ) -> Batch:
        """Evaluate all rules at `now`, in order; a rule that fails does not stop the others.

        `queries` stand in for the engine over our own samples. `shared`: the round that the evaluation is part of.
        """
        began = start = monotonic()
        t_ms = round((now - self.group.query_offset) * 1000)
        turn = _Turn(now, t_ms, Round(self._engine, self._head) if shared is None else shared)
        for rule in self.group.rules:
            found: list[Element] = []
            error, samples = "", 0
            try:
                if queries is None:
                    tick: Queries = turn.round.tick(t_ms, self._reads[rule.key], self.group.interval)
                    result = self._still[rule.key].instant(tick, self._head.index.has)
                else:
                    tick, result = queries, queries.instant(rule.expr)
                found, samples = elements(result), result.samples
                self._apply(rule, found, tick, turn)
            except PromqlError as problem:
                error, reason = problem.message, problem.reason
            except Exception as problem:  # noqa: BLE001 - a defect that one rule hits must not cost the others
                error, reason = f"internal error: {type(problem).__name__}: {problem}", "internal"
            if error:
                turn.failures.append((rule.name, reason))
                self._failed(rule, turn)
            ended = monotonic()
            self._explain(rule, Evaluation(now, ended - start, len(found), error, samples))
            start = ended
        self.last_at, self.last_seconds = now, start - began
        return Batch(self.group.key, turn.states, tuple(turn.events), tuple(turn.failures))

    def _apply(self, rule: Rule, found: list[Element], tick: Queries, turn: "_Turn") -> None:
        writer = self._writers[rule.key]
        if isinstance(rule, RecordingRule):
            if found or writer.alive:
                writer.write(turn.t_ms, recorded(rule, found, self.group.limit))
                turn.round.wrote({rule.name})
            return
        outcome = self.alerts[rule.key].evaluate(found, tick, turn.now)
        turn.states.update(outcome.states)
        turn.events += outcome.events
        if outcome.series or writer.alive:
            writer.write(turn.t_ms, outcome.series)
            turn.round.wrote(ALERT_SERIES)
        if outcome.error is not None:
            raise outcome.error

    def _failed(self, rule: Rule, turn: "_Turn") -> None:
        if isinstance(rule, AlertingRule):
            outcome = self.alerts[rule.key].resend(turn.now)
            turn.states.update(outcome.states)
            turn.events += outcome.events

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
