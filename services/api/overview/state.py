"""What was last heard of the stack and of Tocsin's services, and the answers made of it."""

from collections.abc import Mapping, Sequence
from typing import get_args

from services.api.alerts.view import AlertView
from services.api.overview.evaluated import RuleGroups, RuleIndex
from services.api.overview.external import unknown
from services.api.overview.health import build_components, overall_status
from services.api.overview.model import ExternalService, Health, Panel, Realtime, ServiceHealth, Threshold
from services.api.overview.panel import build_panels
from services.api.overview.ring import Ring
from services.common.events import Heartbeat

SERVICES: tuple[str, ...] = get_args(Heartbeat.model_fields["service"].annotation)
_LIFETIMES = 3


class OverviewState:
    """Holds no clock and does no I/O: pollers put in what they heard, routes and the hub take answers out."""

    def __init__(self, view: AlertView, *, stale_after: float, shown: Sequence[str]) -> None:
        self._view, self._stale_after, self._shown = view, stale_after, shown
        self._index = RuleIndex()
        self._rings: dict[str, Ring] = {}
        self._panels: tuple[Panel, ...] = build_panels({}, self._index, {}, 0)
        self._external: tuple[ExternalService, ...] = ()
        self._heartbeats: tuple[Heartbeat, ...] = ()
        self._redis_answers = False
        self.version = 0
        """Grows with everything that is put in."""
        self.rules: RuleGroups | None = None
        self.heard_at: float | None = None
        """When the evaluator last answered."""
        self._heard_since: float | None = None

    @property
    def thresholds(self) -> Mapping[str, Sequence[Threshold]]:
        """The limits that rules set, by the expression that they compare."""
        return self._index.thresholds

    def reachable(self, now: float) -> bool:
        """Tell whether the evaluator answered lately."""
        return self.heard_at is not None and now - self.heard_at <= self._stale_after

    def unbroken_since(self, now: float) -> float | None:
        """Return since when the evaluator has answered without a pause, None when it does not answer now."""
        return self._heard_since if self.reachable(now) else None

    def take_rules(self, groups: RuleGroups, index: RuleIndex) -> None:
        """Put in the rules that are in force."""
        self.rules, self._index = groups, index
        self.version += 1

    def take_past(self, past: Mapping[str, Sequence[tuple[float, float]]]) -> None:
        """Put in the last 15 minutes from the evaluator's store."""
        for name, points in past.items():
            self._rings.setdefault(name, Ring()).fill(points)

    def take_values(
        self, values: Mapping[str, float | None], now: float, external: Sequence[ExternalService] = ()
    ) -> None:
        """Put in the values of an instant query, by recorded name, and what it says of services of others."""
        if not self.reachable(now):
            self._heard_since = now
        self.heard_at = now
        self.version += 1
        self._external = tuple(external)
        for name, value in values.items():
            self._rings.setdefault(name, Ring()).add(now, value)
        self._panels = build_panels(values, self._index, self._rings, now)

    def take_heartbeats(self, beats: Sequence[Heartbeat] | None) -> None:
        """Put in the heartbeats that live; None when Redis is away and nobody can tell."""
        self._redis_answers = beats is not None
        self.version += 1
        if beats is not None:
            self._heartbeats = tuple(beats)

    def realtime(self, now: float) -> Realtime:
        """Return all panels; without values when the evaluator has been silent for long."""
        if not self.reachable(now):
            return Realtime(at=self.heard_at or now, panels=list(build_panels({}, self._index, self._rings, now)))
        return Realtime(at=self.heard_at or now, panels=list(self._panels))

    def health(self, now: float) -> Health:
        """Return the state of components and services."""
        reachable, alerts = self.reachable(now), self._view.firing()
        panels = self.realtime(now).panels
        components = build_components(panels, alerts, self._index, reachable=reachable, shown=self._shown)
        alive = [
            beat
            for beat in self._heartbeats
            if not self._redis_answers or now - beat.at <= _LIFETIMES * beat.interval
        ]  # fmt: skip
        seen = {beat.service for beat in alive}
        return Health(
            at=now,
            overall=overall_status([card.status for card in components], alerts, reachable=reachable),
            components=components,
            external=list(self._external) if reachable else unknown(self._external),
            services=[
                ServiceHealth(
                    service=beat.service,
                    instance=beat.instance,
                    ready=beat.ready,
                    detail=beat.detail,
                    at=beat.at,
                    version=beat.version,
                )
                for beat in alive
            ],
            # Nobody can be called missing while the place where they show themselves is away.
            missing_services=[name for name in SERVICES if name not in seen] if self._redis_answers else [],
        )
