"""Which groups read what others write, and so in which order they are evaluated. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule

ALERT_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True)
class Order:
    """`keys`: all groups, each after those that it reads; `readers`: by group, those that wait for it.

    Groups that read each other in a circle do not wait for one another.
    """

    keys: Sequence[str]
    readers: Mapping[str, Sequence[str]]


def writes(group: Group) -> frozenset[str]:
    """Return the names of the series that the group's rules write or may write."""
    recorded = frozenset(rule.name for rule in group.rules if isinstance(rule, RecordingRule))
    return recorded | (ALERT_SERIES if any(isinstance(rule, AlertingRule) for rule in group.rules) else frozenset())


def order_of(groups: Iterable[Group]) -> Order:
    """Return the order of groups, as given where they do not depend on each other."""
    given = list(groups)
    writers: dict[str, list[str]] = {}
    for group in given:
        for name in writes(group):
            writers.setdefault(name, []).append(group.key)
    needs: dict[str, list[str]] = {}
    for group in given:
        reads = writers if group.reads is None else group.reads
        found = {key for name in reads for key in writers.get(name, ())} - {group.key}
        needs[group.key] = [one.key for one in given if one.key in found]
    circle = _circles(needs)
    keys: dict[str, None] = {}
    readers: dict[str, list[str]] = {}
    for group in given:
        _place(group.key, needs, circle, keys)
        for one in needs[group.key]:
            if circle[one] != circle[group.key]:
                readers.setdefault(one, []).append(group.key)
    return Order(list(keys), readers)


def _place(key: str, needs: Mapping[str, Sequence[str]], circle: Mapping[str, int], keys: dict[str, None]) -> None:
    """Add a group after all that it reads; written as a loop, as chains may be longer than the stack."""
    waiting = [(key, iter(needs[key]))]
    entered = {key}
    while waiting:
        current, left = waiting[-1]
        following = next((one for one in left if one not in entered and one not in keys), None)
        if following is None:
            keys[waiting.pop()[0]] = None
        elif circle[following] != circle[current]:
            entered.add(following)
            waiting.append((following, iter(needs[following])))


def _circles(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Number the groups so that those that reach each other have one number (Tarjan's strong components, a loop)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    circle: dict[str, int] = {}
    stack: list[str] = []
    for root in needs:
        walk = [(root, iter(needs[root]))] if root not in number else []
        while walk:
            key, left = walk[-1]
            if key not in number:
                number[key] = low[key] = len(number)
                stack.append(key)
            following = next(left, None)
            if following is not None:
                if following not in number:
                    walk.append((following, iter(needs[following])))
                elif following not in circle:
                    low[key] = min(low[key], number[following])
                continue
            walk.pop()
            if walk:
                low[walk[-1][0]] = min(low[walk[-1][0]], low[key])
            if low[key] == number[key]:
                while key not in circle:
                    circle[stack.pop()] = number[key]
    return circle
