"""One alerting rule's evaluation: from its vector to states, ALERTS series and events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from services.common.events import AlertEvent
from services.common.labels import METRIC_NAME
from services.evaluator.promql import EvaluationError, Expr, PromqlError, selectors
from services.evaluator.rules.definition import AlertingRule, Group
from services.evaluator.rules.events import alert_event
from services.evaluator.rules.limits import Limits
from services.evaluator.rules.missing import NO_DATA_SUFFIX, MissingData
from services.evaluator.rules.query import Element, Queries, elements, template_query
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import (
    AlertSettings,
    AlertState,
    Labels,
    Outcome,
    RuleState,
    Test,
    WarmUp,
    alert_series,
    end_all,
    merge,
    resend,
    step,
)
from services.evaluator.rules.templating import AlertTemplates, Externals

_LONGEST_WARM_UP = 3600.0
_DUPLICATE = "vector contains metrics with the same labelset after applying alert labels"


@dataclass
class AlertOutcome:
    """What an evaluation gave: states to write by key, events, ALERTS series, and the rule's own error if any."""

    states: dict[str, RuleState | None] = field(default_factory=dict)
    events: list[AlertEvent] = field(default_factory=list)
    series: list[Element] = field(default_factory=list)
    error: PromqlError | None = None


class AlertRunner:
    """One alerting rule's memory."""

    def __init__(self, rule: AlertingRule, group: Group, settings: RuleSettings) -> None:
        self.rule, self.group = rule, group
        self.state = RuleState()
        self._missing = MissingData(rule, settings) if rule.no_data == "alert" else None
        self._templates = AlertTemplates(rule, Externals(settings.external_labels, settings.external_url))
        self.settings = AlertSettings(
            hold=rule.hold,
            keep_firing=rule.keep_firing,
            no_data=rule.no_data,
            limits=Limits(rule.cooldown, rule.max_per_hour, settings.flap_changes),
            resend_delay=settings.resend_delay,
            retention=settings.retention,
            # A source's samples are as old as ever after a restart of ours.
            warm=None if group.source else _warm_up(rule, group, settings.started_at),
        )
        self._series_labels = {name: text for name, text in rule.labels.items() if text}
        self._lifetime = 4 * max(group.interval, settings.resend_delay)
        query = urlencode({"g0.expr": rule.expr.text, "g0.tab": "1"})
        self.generator_url = f"{settings.external_url.rstrip('/')}/graph?{query}"

    def adopt(self, old: "AlertRunner") -> None:
        """Take over the state of the same rule before a reload."""
        self.state = old.state
        if self._missing is not None and old._missing is not None:  # noqa: SLF001 - of its own class
            self._missing.adopt(old._missing)  # noqa: SLF001 - of its own class

    def states(self) -> dict[str, RuleState]:
        """Return the rule's states by their keys."""
        found = {self.rule.key: self.state}
        if self._missing is not None:
            found[self.rule.key + NO_DATA_SUFFIX] = self._missing.state
        return found

    def restore(self, stored: Mapping[str, RuleState]) -> None:
        """Take in state that was written by an earlier life of this rule."""
        if self.rule.key in stored:
            self.state = merge(self.state, stored[self.rule.key])
        if self._missing is not None and self.rule.key + NO_DATA_SUFFIX in stored:
            self._missing.state = merge(self._missing.state, stored[self.rule.key + NO_DATA_SUFFIX])

    def evaluate(self, found: Sequence[Element], tick: Queries, now: float) -> AlertOutcome:
        """Return what the rule's vector at `now` comes to; raises PromqlError with the state as it was."""
        if not found and self._idle:
            return AlertOutcome()
        expanded = self._templates.apply(list(found), lambda text: template_query(tick, text), now)
        vector = dict(expanded)
        if len(vector) != len(expanded):
            raise EvaluationError(_DUPLICATE)
        present = self._present(tick, now)
        outcome = step(
            self.state, vector, now, self.settings,
            cleared=self._cleared(tick),
            present=None if present is None else (lambda metric: frozenset(metric.items()) in present),
        )  # fmt: skip
        limited = self._limit(outcome, now)
        result = self._finish(limited or outcome, now)
        if limited is not None:
            count = sum(one.state is not AlertState.INACTIVE for one in outcome.state.active.values())
            result.error = EvaluationError(f"exceeded limit of {self.group.limit} with {count} alerts")
        if self._missing is not None and present is not None:
            missed = self._missing.evaluate(present, now, self.settings)
            result.states.update({self.rule.key + NO_DATA_SUFFIX: missed.state} if missed.changed else {})
            result.events += self._events(missed, now)
            result.series += alert_series(missed.state, {})
        return result

    @property
    def _idle(self) -> bool:
        """Whether an empty vector changes nothing: no alert is or was of late, and none is made of missing data."""
        return not (self.state.active or self.state.history) and self._missing is None

    def asks(self, now: float) -> list[Expr]:
        """Return the expressions that an evaluation at `now` needs."""
        return [one for one in (self.rule.expr, self.rule.clear, self._asked_presence(now)) if one is not None]

    def try_templates(self, queries: Queries, now: float) -> None:
        """Expand the rule's templates to no effect but what they query; raises PromqlError when there is no vector."""
        if self._templates.queries:
            found = elements(queries.instant(self.rule.expr))
            self._templates.apply(found, lambda text: template_query(queries, text), now)

    def resend(self, now: float) -> AlertOutcome:
        """Return what to send although the rule could not be evaluated."""
        return self._finish(resend(self.state, now, self.settings), now)

    def end(self, now: float) -> AlertOutcome:
        """Return the resolved events of a rule that is no longer in force; its states are to be forgotten."""
        result = AlertOutcome(states=dict.fromkeys(self.states()))
        for state in self.states().values():
            ended = resend(end_all(state, now), now, self.settings)
            result.events += self._events(ended, now)
        return result

    def _finish(self, outcome: Outcome, now: float) -> AlertOutcome:
        self.state = outcome.state
        states: dict[str, RuleState | None] = {self.rule.key: outcome.state} if outcome.changed else {}
        return AlertOutcome(states, self._events(outcome, now), list(alert_series(outcome.state, self._series_labels)))

    def _events(self, outcome: Outcome, now: float) -> list[AlertEvent]:
        return [
            alert_event(fp, outcome.state.active[fp], self.rule, self.group, now,
                        lifetime=self._lifetime, generator_url=self.generator_url)
            for fp in outcome.send
        ]  # fmt: skip

    def _limit(self, outcome: Outcome, now: float) -> Outcome | None:
        counted = sum(one.state is not AlertState.INACTIVE for one in outcome.state.active.values())
        if not self.group.limit or counted <= self.group.limit:
            return None
        ended = resend(end_all(self.state, now), now, self.settings)
        return replace(ended, changed=True)

    def _cleared(self, tick: Queries) -> Test | None:
        if self.rule.clear is None:
            return None
        cleared = [_metric(labels) for labels, _ in elements(tick.instant(self.rule.clear))]
        exact = {frozenset(labels.items()) for labels in cleared}

        def test(metric: Labels) -> bool:
            # A clear expression that aggregates has fewer labels: it clears every alert that agrees with them.
            own = frozenset(metric.items())
            return own in exact or any(one <= own for one in exact)

        return test

    def _asked_presence(self, now: float) -> Expr | None:
        warm = self.settings.warm
        asked = self.rule.clear is not None or self.rule.no_data != "resolve" or (warm is not None and now < warm.until)
        return self.rule.presence if asked else None

    def _present(self, tick: Queries, now: float) -> dict[frozenset[tuple[str, str]], Labels] | None:
        presence = self._asked_presence(now)
        if presence is None:
            return None
        try:
            found = elements(tick.instant(presence))
        except PromqlError:
            # Its bool form may clash where the filtered one does not (several metric names): then it can't be told.
            return None
        return {frozenset(metric.items()): metric for metric in (_metric(labels) for labels, _ in found)}


def _warm_up(rule: AlertingRule, group: Group, started: float) -> WarmUp:
    window = max((one.range_ms + max(one.offset_ms, 0) for one in selectors(rule.expr)), default=0) / 1000
    # Two rounds: the first may come before a target's first scrape.
    return WarmUp(started, started + min(window, _LONGEST_WARM_UP) + 2 * group.interval, window > 0)


def _metric(labels: Labels) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != METRIC_NAME}
