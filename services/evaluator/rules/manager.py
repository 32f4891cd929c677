"""The rules in force: loading, hot reload, restoring, and what the head must keep for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common.clock import Clock
from services.evaluator.head import Head
from services.evaluator.promql import Engine, selectors
from services.evaluator.rules.dead_watch import DeadWatch
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule
from services.evaluator.rules.events import orphan_events
from services.evaluator.rules.loader import RuleDefaults, find_files, load_file
from services.evaluator.rules.problem import Problem, RuleFileError
from services.evaluator.rules.runner import Batch, GroupRunner
from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import AlertState, RuleState
from services.evaluator.telemetry import RuleTelemetry

if TYPE_CHECKING:
    from services.common.events import AlertEvent

log = structlog.get_logger(__name__)
StoredStates = Mapping[str, Mapping[str, RuleState]]
"""States by group key and rule key."""


@dataclass(frozen=True)
class Needs:
    """What the rules ask of the head: metric names (None: all) and for how long, seconds."""

    names: frozenset[str] | None
    seconds: float


class RuleManager:
    """Owns the group runners; every change of the rule set goes through `reload`."""

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        base: Path,
        defaults: RuleDefaults,
        settings: RuleSettings,
        engine: Engine,
        head: Head,
        clock: Clock,
        telemetry: RuleTelemetry,
    ) -> None:
        self._patterns, self._base, self._defaults, self._settings = patterns, base, defaults, settings
        self._engine, self._head, self._clock, self._telemetry = engine, head, clock, telemetry
        self._good: dict[Path, list[Group]] = {}
        self._native_calls = 0
        self.runners: dict[str, GroupRunner] = {}
        self.problems: list[Problem] = []
        self.dead = DeadWatch(head, telemetry, settings.dead_after)

    def reload(self) -> list[Batch]:
        """Read all files; a broken one keeps its last good version. Returns what removed rules leave to be sent."""
        good: dict[Path, list[Group]] = {}
        problems: list[Problem] = []
        for path in find_files(self._patterns, self._base):
            try:
                good[path] = load_file(path, self._defaults, name=self._shown(path))
            except RuleFileError as error:
                problems += error.problems
                if path in self._good:
                    good[path] = self._good[path]
        self._note(problems)
        self._good = good
        return self._adopt({group.key: group for groups in good.values() for group in groups})

    def _shown(self, path: Path) -> str:
        # Relative, so that state kept under this name is found again after the installation moved.
        return str(path.relative_to(self._base)) if path.is_relative_to(self._base) else str(path)

    def _note(self, problems: list[Problem]) -> None:
        telemetry = self._telemetry.base
        if problems != self.problems:
            for problem in problems:
                log.error("rule_file_refused", file=problem.file, line=problem.line, problem=str(problem))
            if not problems:
                log.info("rule_files_good_again")
        self.problems = problems
        telemetry.config_reload_success.labels("rules").set(0 if problems else 1)
        if not problems:
            telemetry.config_reload_time.labels("rules").set(self._clock.now())

    def _adopt(self, groups: Mapping[str, Group]) -> list[Batch]:
        old, self.runners = self.runners, {}
        now = self._clock.now()
        batches = []
        for key, group in groups.items():
            runner = self.runners[key] = GroupRunner(group, self._engine, self._head, self._settings)
            if key in old:
                runner.adopt(old[key])
                batches.append(_retire(old[key], now, [one for one in old[key].health if one not in runner.health]))
        batches += [_retire(runner, now, list(runner.health)) for key, runner in old.items() if key not in groups]
        rules = [rule for group in groups.values() for rule in group.rules]
        alerting = sum(isinstance(rule, AlertingRule) for rule in rules)
        self._telemetry.rules.labels("alerting").set(alerting)
        self._telemetry.rules.labels("recording").set(len(rules) - alerting)
        return [batch for batch in batches if batch.states or batch.events]

    def restore(self, stored: StoredStates) -> list[Batch]:
        """Give rules the state of an earlier life; what belongs to no rule any more is resolved and forgotten."""
        now = self._clock.now()
        batches = []
        for key, states in stored.items():
            runner = self.runners.get(key)
            left = dict(states)
            for alerts in runner.alerts.values() if runner is not None else ():
                known = alerts.states()
                alerts.restore({one: left.pop(one) for one in known if one in left})
            if left:
                events = [event for state in left.values() for event in orphan_events(state, key, now)]
                batches.append(Batch(key, dict.fromkeys(left), tuple(events)))
        return batches

    def snapshot(self) -> dict[str, dict[str, RuleState]]:
        """Return all states that are not empty, by group key and rule key."""
        found: dict[str, dict[str, RuleState]] = {}
        for key, runner in self.runners.items():
            for alerts in runner.alerts.values():
                for one, state in alerts.states().items():
                    if state.active or state.history:
                        found.setdefault(key, {})[one] = state
        return found

    def needs(self) -> Needs:
        """Return what the head must keep for these rules."""
        names: set[str] | None = set()
        seconds = 0.0
        for runner in self.runners.values():
            for expr in runner.group.expressions:
                for one in selectors(expr):
                    seconds = max(seconds, (one.range_ms + max(one.offset_ms, 0)) / 1000 + runner.group.query_offset)
            reads = runner.group.reads
            # What is recorded is kept for the page and for Grafana, whether a rule reads it again or not.
            recorded = {rule.name for rule in runner.group.rules if isinstance(rule, RecordingRule)}
            names = None if names is None or reads is None else names | reads | recorded
        return Needs(None if names is None else frozenset(names), seconds)

    def look_for_dead(self) -> None:
        """Name the rules that read series that are not there."""
        self.dead.look(self.runners.values(), self._clock.monotonic())

    def count(self) -> None:
        """Tell the figures of active alerts, and of native histograms met."""
        self._telemetry.native_calls.inc(self._engine.native_calls - self._native_calls)
        self._native_calls = self._engine.native_calls
        states = [
            alert.state
            for runner in self.runners.values()
            for alerts in runner.alerts.values()
            for state in alerts.states().values()
            for alert in state.active.values()
        ]
        for kind in (AlertState.PENDING, AlertState.FIRING):
            self._telemetry.alerts.labels(str(kind)).set(states.count(kind))


def _retire(runner: GroupRunner, now: float, keys: Sequence[str]) -> Batch:
    """Return what removed rules leave: resolved events, and states to forget."""
    states: dict[str, RuleState | None] = {}
    events: list[AlertEvent] = []
    runner.drop_rules(keys, round(now * 1000))
    for key in keys:
        if key in runner.alerts:
            outcome = runner.alerts[key].end(now)
            states.update(outcome.states)
            events += outcome.events
    return Batch(runner.group.key, states, tuple(events))
