"""The routing tree: which receivers an alert's labels lead to, and how they are grouped there.

Alertmanager's semantics: depth first; a node takes the alert when none of its children does; the first child that
matches ends the search among its siblings unless it says `continue`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.notifier.matchers import Matcher, format_matchers


@dataclass(frozen=True)
class Timing:
    """A route's times in seconds: before a group's first message, between its messages, until a repeat."""

    wait: float = 30.0
    interval: float = 300.0
    repeat: float = 14_400.0


@dataclass(frozen=True)
class Route:
    """One node with everything that it inherits worked out."""

    route_id: str
    """Unique in the tree and the same after a restart: receiver, key, and a number where both stand twice."""
    key: str
    """Alertmanager's route key, the first part of a group key."""
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: frozenset[str] = frozenset()
    group_by_all: bool = False
    continues: bool = False
    timing: Timing = Timing()
    muted_in: tuple[str, ...] = ()
    """Names of time intervals in which it says nothing."""
    active_in: tuple[str, ...] = ()
    """Names of time intervals outside of which it says nothing; empty: it always may speak."""
    routes: tuple["Route", ...] = ()

    def walk(self) -> Iterator["Route"]:
        """Yield this node and all below, in the file's order."""
        yield self
        for child in self.routes:
            yield from child.walk()

    def match(self, labels: Mapping[str, str]) -> list["Route"]:
        """Return the nodes that take the alert; empty when this node does not match."""
        if not all(matcher.matches(labels) for matcher in self.matchers):
            return []
        found: list[Route] = []
        for child in self.routes:
            taken = child.match(labels)
            found += taken
            if taken and not child.continues:
                break
        return found or [self]

    def group_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the labels that the group of this alert is made by, in order."""
        return {name: labels[name] for name in sorted(labels) if self.group_by_all or name in self.group_by}


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    """Return Alertmanager's group key: `{}/{team="a"}:{alertname="X"}`."""
    return f"{route.key}:{format_labels(labels)}"


def format_labels(labels: Mapping[str, str]) -> str:
    """Return a label set as Prometheus' `LabelSet.String` does: `{a="b", c="d"}`."""
    return "{" + ", ".join(f"{name}={_quote(labels[name])}" for name in sorted(labels)) + "}"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class RouteSpec:
    """A node as the file has it: None where it inherits."""

    receiver: str | None = None
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None
    continues: bool = False
    wait: float | None = None
    interval: float | None = None
    repeat: float | None = None
    muted_in: tuple[str, ...] = ()
    active_in: tuple[str, ...] = ()
    routes: tuple["RouteSpec", ...] = ()


def build_tree(spec: RouteSpec) -> Route:
    """Work out inheritance and ids; the root needs a receiver (checked where the file is read)."""
    root = Route("", "", spec.receiver or "")
    return _build(spec, root, {})


def _build(spec: RouteSpec, parent: Route, used: dict[str, int]) -> Route:
    key = f"{parent.key}/{format_matchers(spec.matchers)}" if parent.key else format_matchers(spec.matchers)
    receiver = spec.receiver or parent.receiver
    name = f"{receiver}|{key}"
    used[name] = used.get(name, 0) + 1
    inherited = parent.timing
    node = Route(
        route_id=name if used[name] == 1 else f"{name}#{used[name]}",
        key=key,
        receiver=receiver,
        matchers=spec.matchers,
        group_by=parent.group_by if spec.group_by is None else frozenset(spec.group_by) - {"..."},
        group_by_all=parent.group_by_all if spec.group_by is None else "..." in spec.group_by,
        continues=spec.continues,
        timing=Timing(
            inherited.wait if spec.wait is None else spec.wait,
            inherited.interval if spec.interval is None else spec.interval,
            inherited.repeat if spec.repeat is None else spec.repeat,
        ),
        # Not inherited, as in Alertmanager.
        muted_in=spec.muted_in,
        active_in=spec.active_in,
    )
    children = tuple(_build(child, node, used) for child in spec.routes)
    return Route(**{**node.__dict__, "routes": children})
