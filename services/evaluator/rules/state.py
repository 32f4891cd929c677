"""The alert state machine: (state, vector, now) -> (state, what to send). Pure.

Source of the states and times: Prometheus' rules/alerting.go. Added: `clear` (hysteresis), `no_data`, and the limits of
notifications (`limits.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from services.common.events import Muted
from services.evaluator.rules.limits import FLAP_WINDOW, HOUR, History, Limits, decide, note_change, prune

Labels = Mapping[str, str]
NoData = Literal["keep", "resolve", "alert"]
"""What becomes of an alert whose series vanished."""
Test = Callable[[Labels], bool]


class AlertState(StrEnum):
    """Where an alert is; inactive means resolved and still told to others for a while."""

    PENDING = "pending"
    FIRING = "firing"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of the rule's vector: the alert's labels and annotations, and the series' own labels (`metric`)."""

    labels: Labels
    annotations: Labels
    metric: Labels
    value: float


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """One alert of a rule; times in seconds since the epoch."""

    labels: Labels
    annotations: Labels
    metric: Labels
    value: float
    state: AlertState
    active_at: float
    fired_at: float | None = None
    keep_since: float | None = None
    resolved_at: float | None = None
    sent_at: float | None = None
    muted: Muted = Muted.NO
    muted_until: float | None = None
    flapping: bool = False


@dataclass(frozen=True)
class RuleState:
    """What a rule remembers: its alerts and the limits' history, both by fingerprint."""

    active: Mapping[str, ActiveAlert] = field(default_factory=dict)
    history: Mapping[str, History] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The rule's times in seconds, and what counts."""

    hold: float = 0.0
    keep_firing: float = 0.0
    no_data: NoData = "resolve"
    limits: Limits = field(default_factory=Limits)
    resend_delay: float = 60.0
    retention: float = 900.0
    warm: "WarmUp | None" = None


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a restart asks for: samples in memory are young, so that they show neither recovery nor its absence.

    An alert from before `started` that the vector lacks is held until `until`; where the expression has no window
    (`windowed` false) only as long as its data are missing.
    """

    started: float
    until: float
    windowed: bool


@dataclass(frozen=True)
class Outcome:
    """The new state, the fingerprints whose alerts are to be sent now, and whether the state must be written down."""

    state: RuleState
    send: tuple[str, ...]
    changed: bool


def step(
    state: RuleState,
    vector: Mapping[str, Sample],
    now: float,
    settings: AlertSettings,
    *,
    cleared: Test | None = None,
    present: Test | None = None,
) -> Outcome:
    """Return what becomes of the rule's alerts at `now`.

    `vector` are the elements of the expression by fingerprint. `cleared` tells of an alert's metric labels whether
    the `clear` expression holds (None: the rule has none); `present` whether there are data (None: unknown).
    """
    if not (vector or state.active or state.history):
        return Outcome(state, (), changed=False)
    active: dict[str, ActiveAlert] = {}
    history = dict(state.history)
    changed = False
    for fp, sample in vector.items():
        old = state.active.get(fp)
        alert = _seen(old, sample, now, settings)
        changed |= old is None or alert.state != old.state or alert.keep_since != old.keep_since
        active[fp] = alert
    for fp, old in state.active.items():
        if fp in vector:
            continue
        kept = _unseen(old, now, settings, cleared, present)
        changed |= kept is not old
        if kept is not None:
            active[fp] = kept
    for fp, alert in active.items():
        before = state.active.get(fp)
        moved = _mute(fp, before, alert, history, now, settings.limits)
        changed |= moved.muted != alert.muted
        active[fp] = moved
    pruned = prune(history, now, keep=max(24 * HOUR, settings.limits.cooldown))
    outcome = _collect(active, state, now, settings)
    return Outcome(RuleState(outcome[0], pruned), outcome[1], changed or bool(outcome[1]) or pruned != state.history)


def _seen(old: ActiveAlert | None, sample: Sample, now: float, settings: AlertSettings) -> ActiveAlert:
    if old is None or old.state is AlertState.INACTIVE:
        alert = ActiveAlert(sample.labels, sample.annotations, sample.metric, sample.value, AlertState.PENDING, now)
    else:
        alert = replace(old, value=sample.value, annotations=sample.annotations, metric=sample.metric, keep_since=None)
    if alert.state is AlertState.FIRING and now - alert.active_at < settings.hold:
        # A reload made `for` longer than the alert has lasted.
        return replace(alert, state=AlertState.PENDING, fired_at=None, sent_at=None)
    if alert.state is AlertState.PENDING and now - alert.active_at >= settings.hold:
        alert = replace(alert, state=AlertState.FIRING, fired_at=now)
    return alert


def _unseen(
    old: ActiveAlert, now: float, settings: AlertSettings, cleared: Test | None, present: Test | None
) -> ActiveAlert | None:
    if old.state is AlertState.INACTIVE:
        return old if now - (old.resolved_at or 0.0) <= settings.retention else None
    has_data = present is None or present(old.metric)
    if _held(old, now, settings.warm, present) or (not has_data and settings.no_data != "resolve"):
        return old
    if old.state is AlertState.PENDING:
        return None
    if cleared is not None and has_data and not cleared(old.metric):
        return old if old.keep_since is None else replace(old, keep_since=None)
    if settings.keep_firing > 0:
        since = now if old.keep_since is None else old.keep_since
        if now - since < settings.keep_firing:
            return old if old.keep_since is not None else replace(old, keep_since=since)
    return replace(old, state=AlertState.INACTIVE, resolved_at=now)


def _held(old: ActiveAlert, now: float, warm: WarmUp | None, present: Test | None) -> bool:
    if warm is None or now >= warm.until or old.active_at >= warm.started:
        return False
    return warm.windowed or present is None or not present(old.metric)


def _mute(
    fp: str, before: ActiveAlert | None, alert: ActiveAlert, history: dict[str, History], now: float, limits: Limits
) -> ActiveAlert:
    was_firing = before is not None and before.state is AlertState.FIRING
    if alert.state is AlertState.FIRING and not was_firing:
        record = note_change(history.get(fp, History()), now)
        verdict = decide(record, now, limits)
        history[fp] = verdict.history
        flapping = len(record.changes) >= limits.flap_changes
        return replace(alert, muted=verdict.muted, muted_until=verdict.until, flapping=flapping)
    if alert.state is AlertState.INACTIVE and was_firing:
        history[fp] = note_change(history.get(fp, History()), now)
        return alert
    if alert.state is AlertState.FIRING and alert.muted is not Muted.NO and now >= (alert.muted_until or 0.0):
        verdict = decide(history.get(fp, History()), now, limits)
        history[fp] = verdict.history
        return replace(alert, muted=verdict.muted, muted_until=verdict.until)
    if alert.flapping and now - max(history.get(fp, History()).changes, default=0.0) > FLAP_WINDOW:
        return replace(alert, flapping=False)
    return alert


def _collect(
    active: dict[str, ActiveAlert], state: RuleState, now: float, settings: AlertSettings
) -> tuple[dict[str, ActiveAlert], tuple[str, ...]]:
    send = []
    for fp, alert in active.items():
        before = state.active.get(fp)
        unmuted = before is not None and before.muted is not Muted.NO and alert.muted is Muted.NO
        if _needs_sending(alert, now, settings.resend_delay) or (unmuted and alert.state is AlertState.FIRING):
            active[fp] = replace(alert, sent_at=now)
            send.append(fp)
    return active, tuple(send)


def _needs_sending(alert: ActiveAlert, now: float, resend_delay: float) -> bool:
    if alert.state is AlertState.PENDING:
        return False
    if alert.sent_at is None or (alert.resolved_at is not None and alert.resolved_at > alert.sent_at):
        return True
    return now - alert.sent_at >= resend_delay


def resend(state: RuleState, now: float, settings: AlertSettings) -> Outcome:
    """Return what to send when the rule could not be evaluated: a failed query is no recovery."""
    active, send = _collect(dict(state.active), state, now, settings)
    return Outcome(RuleState(active, state.history), send, bool(send))


def end_all(state: RuleState, now: float) -> RuleState:
    """Return the state with every firing alert resolved and the pending ones gone, as when the rule is removed."""
    active = {
        fp: replace(alert, state=AlertState.INACTIVE, resolved_at=now) if alert.state is AlertState.FIRING else alert
        for fp, alert in state.active.items()
        if alert.state is not AlertState.PENDING
    }
    return RuleState(active, state.history)


def merge(current: RuleState, stored: RuleState) -> RuleState:
    """Return the state of a rule that ran without its stored state and now finds it.

    An episode that was known before keeps its times; what no longer breaches comes back too, so that the next
    evaluation ends it in the open.
    """
    active = dict(current.active)
    for fp, old in stored.active.items():
        new = active.get(fp)
        if new is None or new.state is AlertState.INACTIVE:
            if new is None:
                active[fp] = old
        elif old.state is AlertState.FIRING:
            active[fp] = replace(old, value=new.value, annotations=new.annotations, metric=new.metric)
        elif old.state is AlertState.PENDING:
            active[fp] = replace(new, active_at=min(new.active_at, old.active_at))
    return RuleState(active, {**current.history, **stored.history})


def alert_series(state: RuleState, rule_labels: Labels) -> list[tuple[dict[str, str], float]]:
    """Return the ALERTS and ALERTS_FOR_STATE series of pending and firing alerts, with their values.

    A rule's label whose template gave nothing stands here as written, as in Prometheus.
    """
    found: list[tuple[dict[str, str], float]] = []
    for alert in state.active.values():
        if alert.state is not AlertState.INACTIVE:
            found.append(({**rule_labels, **alert.labels, "__name__": "ALERTS", "alertstate": str(alert.state)}, 1.0))
            found.append(({**rule_labels, **alert.labels, "__name__": "ALERTS_FOR_STATE"}, alert.active_at))
    return found
