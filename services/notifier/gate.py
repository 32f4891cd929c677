"""The pipeline's steps that hold messages back: silence, inhibition, time intervals, cooldown and rate cap. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.common.events import AlertEvent, Muted
from services.common.labels import ALERT_NAME
from services.notifier.decisions import Decision, Reason
from services.notifier.inhibition import Inhibitor, InhibitRule
from services.notifier.routing import Route
from services.notifier.silences import Silence
from services.notifier.state import State
from services.notifier.time_intervals import NamedInterval

_SHOWN = 3
_EVALUATORS = {Muted.COOLDOWN: Reason.COOLDOWN, Muted.RATE_CAP: Reason.RATE_CAP}


@dataclass(frozen=True)
class Muting:
    """What a configuration says about keeping quiet."""

    inhibit_rules: tuple[InhibitRule, ...] = ()
    intervals: Mapping[str, NamedInterval] = field(default_factory=dict)


class Gate:
    """Judges alerts and routes over one state; told of each change of an alert by `observe`."""

    def __init__(self, state: State, muting: Muting) -> None:
        self._state, self._muting = state, muting
        self._inhibitor = Inhibitor(muting.inhibit_rules)
        self._covered: dict[str, tuple[str, ...]] = {}
        self._version = -1
        for mark in state.latest:
            if (record := state.newest(mark)) is not None and record.firing:
                self._inhibitor.observe(record.event, firing=True)

    def observe(self, event: AlertEvent, *, firing: bool) -> None:
        """Take in that an alert fires or has ended."""
        self._inhibitor.observe(event, firing=firing)

    def silenced_by(self, event: AlertEvent, now: float) -> tuple[Silence, ...]:
        """Return the silences in force that cover the alert, in the order of their ids."""
        if not self._state.silences:
            return ()
        if self._version != self._state.silences_version:
            self._covered.clear()
            self._version = self._state.silences_version
        ids = self._covered.get(event.fingerprint)
        if ids is None:
            # Labels never change under a fingerprint, so only a change of silences asks the matchers again.
            ids = tuple(sorted(key for key, one in self._state.silences.items() if one.covers(event.labels)))
            self._covered[event.fingerprint] = ids
        return tuple(one for key in ids if (one := self._state.silences[key]).state(now) == "active")

    def inhibited_by(self, event: AlertEvent) -> tuple[str, ...]:
        """Return fingerprints of the alerts that hide this one."""
        depended = (source.fingerprint for source in self._inhibitor.hidden_by(event))
        return tuple(dict.fromkeys((*self._inhibitor.inhibited_by(event), *depended)))

    def hides(self, event: AlertEvent, now: float) -> Decision | None:
        """Return why nobody is told of this alert now, wherever it is routed; None: nothing hides it."""
        if silences := self.silenced_by(event, now):
            return Decision(Reason.SILENCED, _some([f"{one.silence_id} ({one.created_by})" for one in silences]))
        if marks := self._inhibitor.inhibited_by(event):
            sources = (self._state.newest(mark) for mark in marks)
            return Decision(Reason.INHIBITED, _some([_told(one.event) for one in sources if one is not None]))
        if events := self._inhibitor.hidden_by(event):
            return Decision(Reason.DEPENDENCY, _some([_told(one) for one in events]))
        return None

    def quiet(self, route: Route | None, now: float) -> Decision | None:
        """Return why a route says nothing now; None: it may speak."""
        if route is None:
            return None
        for name in route.muted_in:
            if (interval := self._muting.intervals.get(name)) is not None and interval.contains(now):
                return Decision(Reason.MUTE_INTERVAL, name)
        known = [one for name in route.active_in if (one := self._muting.intervals.get(name)) is not None]
        if known and not any(interval.contains(now) for interval in known):
            return Decision(Reason.ACTIVE_INTERVAL, ", ".join(route.active_in))
        return None


def evaluators(event: AlertEvent) -> Decision | None:
    """Return the evaluator's own reason to keep an episode quiet: its rule's cooldown or hourly cap."""
    reason = _EVALUATORS.get(event.muted)
    return Decision(reason, event.rule.name) if reason is not None else None


def _told(event: AlertEvent) -> str:
    return f"{event.labels.get(ALERT_NAME, '')} ({event.fingerprint})"


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
