"""Plays a routing test: the notifier's own steps over a made-up time, and what they would send. Pure."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from services.common.events import ActionEvent, AlertEvent, AlertStatus, RuleRef, SilenceMatcher, SilenceRequest
from services.common.labels import fingerprint
from services.notifier.engine import Engine, Limits, Report
from services.notifier.gate import Muting
from services.notifier.matchers import Matcher, Operator
from services.notifier.outbox import Entry
from services.notifier.people.directory import Directory
from services.notifier.rehearsal.file import GivenAction, GivenAlert, GivenSilence, RoutingTest
from services.notifier.routing import Route
from services.notifier.state import State
from services.notifier.targets import Receivers

_MOST_STEPS = 200_000


@dataclass(frozen=True)
class Setting:
    """A configuration as the steps know it."""

    tree: Route
    receivers: Receivers
    muting: Muting
    directory: Directory


@dataclass(frozen=True)
class Sent:
    """A message that would leave, `at` in seconds since the test's start."""

    at: float
    entry: Entry

    @property
    def contact(self) -> str:
        """The contact, "" when it goes to a receiver's own channel."""
        kind, _, name = self.entry.receiver.partition(":")
        return name if kind == "contact" else ""

    @property
    def alerts(self) -> tuple[str, ...]:
        """Names of the alerts in it."""
        return tuple(sorted({event.labels["alertname"] for event in self.entry.alerts}))


@dataclass(frozen=True)
class Decided:
    """A decision that would be recorded."""

    at: float
    reason: str
    detail: str
    receiver: str
    recipient: str
    alerts: tuple[str, ...]


@dataclass
class Played:
    """What a test came to."""

    sent: list[Sent] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)


class Stage:
    """One test's world."""

    def __init__(self, setting: Setting, test: RoutingTest) -> None:
        self._test, self._played = test, Played()
        self._engine = Engine(State(), setting.tree, setting.receivers, Limits(), setting.muting, setting.directory)
        self._order = itertools.count()
        self._inputs: list[tuple[float, int, Callable[[float], None]]] = []
        self._names: dict[str, str] = {}

    def play(self) -> Played:
        """Let the time pass; raises RuntimeError when it never comes to rest."""
        self._plan()
        end = self._test.start + self._test.duration
        for _ in range(_MOST_STEPS):
            now = self._next()
            if now is None or now > end:
                return self._played
            while self._inputs and self._inputs[0][0] <= now:
                heapq.heappop(self._inputs)[2](now)
            self._engine.flush_due(now)
            self._collect(now)
        raise RuntimeError(f"more than {_MOST_STEPS} steps; shorten the test's duration")

    def _next(self) -> float | None:
        times = [self._engine.state.next_timer(), self._inputs[0][0] if self._inputs else None]
        return min((at for at in times if at is not None), default=None)

    def _at(self, offset: float, do: Callable[[float], None]) -> None:
        heapq.heappush(self._inputs, (self._test.start + offset, next(self._order), do))

    def _plan(self) -> None:
        # Silences first: at the same moment they already hold.
        for silence in self._test.silences:
            self._at(silence.at, lambda now, one=silence: self._silence(one, now))  # type: ignore[misc]  # bound now
        for alert in self._test.alerts:
            self._at(alert.at, lambda now, one=alert: self._report(one, now, firing=True))  # type: ignore[misc]  # as above
            if alert.for_ is not None:
                over = alert.at + alert.for_
                self._at(over, lambda now, one=alert: self._report(one, now, firing=False))  # type: ignore[misc]  # as above
        for action in self._test.actions:
            self._at(action.at, lambda now, one=action: self._act(one, now))  # type: ignore[misc]  # as above

    def _report(self, given: GivenAlert, now: float, *, firing: bool) -> None:
        began = self._test.start + given.at
        event = AlertEvent(
            fingerprint=fingerprint(given.labels),
            status=AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
            labels=given.labels,
            annotations=given.annotations,
            active_at=began,
            starts_at=began,
            ends_at=None if firing else now,
            sent_at=now,
            rule=RuleRef(name=given.labels["alertname"], depends_on=given.depends_on, cooldown_seconds=given.cooldown),
        )
        self._names[event.alert_id] = given.labels["alertname"]
        self._engine.apply([Report(event)], now)

    def _silence(self, given: GivenSilence, now: float) -> None:
        request = SilenceRequest(
            matchers=tuple(map(_written, given.matchers)), starts_at=now, ends_at=now + given.for_,
            created_by="test",
        )  # fmt: skip
        self._engine.silence(request, now)

    def _act(self, given: GivenAction, now: float) -> None:
        name = given.acknowledge or given.unacknowledge
        ids = [key for key, known in self._names.items() if known == name]
        for alert_id in ids:
            kind = "acknowledge" if given.acknowledge else "unacknowledge"
            self._do(ActionEvent(
                action_id=f"{kind}:{alert_id}:{now}", kind=kind, at=now, by=given.by, alert_id=alert_id,
                expires_in=given.expires_in if given.acknowledge else None,
            ), now)  # fmt: skip
            if given.acknowledge and given.expires_in:
                action = ActionEvent(
                    action_id=f"over:{alert_id}:{now}", kind="unacknowledge", at=now + given.expires_in, by="tocsin",
                    alert_id=alert_id, comment=f"acknowledgement of {given.by} ran out",
                )  # fmt: skip
                self._at(now + given.expires_in - self._test.start, lambda at, one=action: self._do(one, at))  # type: ignore[misc]  # as above

    def _do(self, action: ActionEvent, now: float) -> None:
        self._engine.act(action, now)

    def _collect(self, now: float) -> None:
        state, at = self._engine.state, now - self._test.start
        for entry in list(state.queue.entries.values()):
            self._played.sent.append(Sent(at, entry))
            state.drop_entry(entry.delivery_id)
        for key, one in list(state.attempts.items()):
            names = tuple(sorted({self._names.get(alert_id, alert_id) for alert_id in one.alert_ids}))
            self._played.decided.append(Decided(at, one.reason, one.detail, one.receiver, one.recipient, names))
            state.drop_attempt(key)


def _written(matcher: Matcher) -> SilenceMatcher:
    return SilenceMatcher(
        name=matcher.name, value=matcher.value,
        is_regex=matcher.operator in {Operator.REGEX, Operator.NOT_REGEX},
        is_equal=matcher.operator in {Operator.EQUAL, Operator.REGEX},
    )  # fmt: skip
