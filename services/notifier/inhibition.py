"""Inhibition: an alert that fires hides those that follow from it. Pure.

By `inhibit_rules`, with Alertmanager's semantics (a label that is absent equals an empty one; an alert that matches
both sides is not hidden by one that does too), and by `depends_on` of rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.common.events import AlertEvent
from services.common.labels import ALERT_NAME
from services.notifier.matchers import Matcher

_PLACE = ("cluster", "env", "environment", "namespace", "region")
_SAME_KIND, _WHICH_ONE = "component", "instance"


@dataclass(frozen=True)
class InhibitRule:
    """Alerts that match `source` hide those that match `target` and have the same `equal` labels."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def key(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values that must be the same on both sides."""
        return tuple(labels.get(name, "") for name in self.equal)


def _matches(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


@dataclass
class _Sources:
    """One rule's alerts that fire, by their equal labels; True where one matches the target side too."""

    rule: InhibitRule
    by_key: dict[tuple[str, ...], dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))


class Inhibitor:
    """Keeps which alerts fire, as far as it may hide others; `observe` each change."""

    def __init__(self, rules: Iterable[InhibitRule] = ()) -> None:
        self._rules = [_Sources(rule) for rule in rules]
        self._by_name: dict[str, dict[str, AlertEvent]] = defaultdict(dict)

    def observe(self, event: AlertEvent, *, firing: bool) -> None:
        """Take an alert's newest state in."""
        mark, labels = event.fingerprint, event.labels
        name = labels.get(ALERT_NAME, "")
        if firing:
            self._by_name[name][mark] = event
        else:
            self._by_name[name].pop(mark, None)
        for sources in self._rules:
            if not _matches(sources.rule.source, labels):
                continue
            alike = sources.by_key[sources.rule.key(labels)]
            if firing:
                alike[mark] = _matches(sources.rule.target, labels)
            else:
                alike.pop(mark, None)

    def inhibited_by(self, event: AlertEvent) -> tuple[str, ...]:
        """Return fingerprints of firing alerts that hide it by a rule of the configuration."""
        found: dict[str, None] = {}
        for sources in self._rules:
            rule = sources.rule
            alike = sources.by_key.get(rule.key(event.labels))
            if not alike or not _matches(rule.target, event.labels):
                continue
            both_sides = _matches(rule.source, event.labels)
            for mark, matches_target in alike.items():
                if mark != event.fingerprint and not (both_sides and matches_target):
                    found[mark] = None
        return tuple(found)

    def hidden_by(self, event: AlertEvent) -> tuple[AlertEvent, ...]:
        """Return firing alerts that it depends on: same place, and the same instance of the same component."""
        own = event.labels.get(ALERT_NAME, "")
        found = []
        for name in event.rule.depends_on:
            if name == own or self._depends(name, own):
                # Two that depend on each other would hide each other, and nobody would hear of either.
                continue
            found += [source for source in self._by_name.get(name, {}).values() if _related(source, event)]
        return tuple(found)

    def _depends(self, name: str, on: str) -> bool:
        seen, left = set[str](), [name]
        while left:
            for event in self._by_name.get(left.pop(), {}).values():
                if on in event.rule.depends_on:
                    return True
                left += [other for other in event.rule.depends_on if other not in seen]
                seen.update(event.rule.depends_on)
        return False


def _related(source: AlertEvent, target: AlertEvent) -> bool:
    same = [name for name in _PLACE if name in source.labels and name in target.labels]
    if source.labels.get(_SAME_KIND) and source.labels.get(_SAME_KIND) == target.labels.get(_SAME_KIND):
        same += [_WHICH_ONE] if source.labels.get(_WHICH_ONE) and target.labels.get(_WHICH_ONE) else []
    return all(source.labels[name] == target.labels[name] for name in same)
