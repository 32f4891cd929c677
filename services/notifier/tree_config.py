"""The routing tree and inhibition rules as alertmanager.yml writes them."""

from collections.abc import Iterator

from pydantic import Field, field_validator, model_validator

from services.common.config import StrictModel
from services.common.durations import Duration
from services.common.yaml_source import KeyPath
from services.notifier.inhibition import InhibitRule
from services.notifier.matchers import EqualMap, MatcherList, RegexMap
from services.notifier.routing import RouteSpec

Problem = tuple[KeyPath, str]


class FileModel(StrictModel):
    """A part of the file in which a key without a value counts as left out, as it does in Go."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: object) -> object:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class RouteConfig(FileModel):
    """A node of the routing tree."""

    receiver: str | None = None
    match: EqualMap = ()
    match_re: RegexMap = ()
    matchers: MatcherList = ()
    group_by: tuple[str, ...] | None = None
    continue_: bool = Field(default=False, alias="continue")
    group_wait: Duration | None = Field(default=None, ge=0)
    group_interval: Duration | None = Field(default=None, gt=0)
    repeat_interval: Duration | None = Field(default=None, gt=0)
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple["RouteConfig", ...] = ()

    @field_validator("group_by")
    @classmethod
    def _once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if names is not None and names.count(name) > 1:
                raise ValueError(f"{name!r} stands twice")
        if names is not None and "..." in names and len(names) > 1:
            raise ValueError("'...' (all labels) can't stand with other labels")
        return names

    def spec(self) -> RouteSpec:
        """Return the node for the pure tree."""
        return RouteSpec(
            receiver=self.receiver,
            matchers=(*self.match, *self.match_re, *self.matchers),
            group_by=self.group_by,
            continues=self.continue_,
            wait=self.group_wait,
            interval=self.group_interval,
            repeat=self.repeat_interval,
            muted_in=self.mute_time_intervals,
            active_in=self.active_time_intervals,
            routes=tuple(route.spec() for route in self.routes),
        )


class InhibitRuleConfig(FileModel):
    """One of `inhibit_rules`."""

    source_match: EqualMap = ()
    source_match_re: RegexMap = ()
    source_matchers: MatcherList = ()
    target_match: EqualMap = ()
    target_match_re: RegexMap = ()
    target_matchers: MatcherList = ()
    equal: tuple[str, ...] = ()

    def rule(self) -> InhibitRule:
        """Return the rule for the pure step."""
        return InhibitRule(
            (*self.source_match, *self.source_match_re, *self.source_matchers),
            (*self.target_match, *self.target_match_re, *self.target_matchers),
            self.equal,
        )


def check_root(root: RouteConfig) -> Iterator[Problem]:
    """Yield what a root may not have."""
    if root.receiver is None:
        yield ("route",), "the root route must name a receiver"
    if root.match or root.match_re or root.matchers:
        yield ("route",), "the root route must not have matchers: it takes what no other route takes"
    if root.continue_:
        yield ("route", "continue"), "the root route can't continue: nothing comes after it"
    for key in ("mute_time_intervals", "active_time_intervals"):
        if getattr(root, key):
            yield ("route", key), "the root route must always speak: put the interval on a route below"


def check_names(route: RouteConfig, path: KeyPath, receivers: list[str], intervals: list[str]) -> Iterator[Problem]:
    """Yield names of receivers and time intervals that are used and not defined."""
    if route.receiver is not None and route.receiver not in receivers:
        known = ", ".join(receivers) or "none"
        yield (*path, "receiver"), f"receiver {route.receiver!r} is not defined; defined are: {known}"
    for key in ("mute_time_intervals", "active_time_intervals"):
        for index, name in enumerate(getattr(route, key)):
            if name not in intervals:
                known = ", ".join(intervals) or "none"
                yield (*path, key, index), f"time interval {name!r} is not defined; defined are: {known}"
    for index, child in enumerate(route.routes):
        yield from check_names(child, (*path, "routes", index), receivers, intervals)
