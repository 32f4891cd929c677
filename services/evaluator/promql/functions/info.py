"""`info()`: labels of info metrics (such as target_info) added to series with the same `instance` and `job`."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.functions.base import Function, Invocation
from services.evaluator.promql.info_choice import IDENTIFYING, Choice, choice_of
from services.evaluator.promql.select import instant_with_times
from services.evaluator.promql.storage import Times
from services.evaluator.promql.table import Labels, Table
from services.evaluator.promql.values import Value, Vector


def reference_times(run: Run, expr: ast.Expr, times: Times) -> Times:
    """Return the times that the first selector of an expression looks at, through `@` and offsets."""
    match expr:
        case ast.Selector() | ast.Subquery():
            fixed = {"start": run.start_ms, "end": run.end_ms}
            if expr.at is not None:
                times = np.full(len(times), fixed.get(expr.at.kind, expr.at.t_ms), np.int64)
            times = times - run.milliseconds(expr.offset)
            return times if isinstance(expr, ast.Selector) else reference_times(run, expr.expr, times)
        case _:
            inner = next((child for child in ast.children(expr) if _has_selector(child)), None)
            return times if inner is None else reference_times(run, inner, times)


def _has_selector(expr: ast.Expr) -> bool:
    return isinstance(expr, ast.Selector) or any(_has_selector(child) for child in ast.children(expr))


def _signature(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple((name, labels[name]) for name in IDENTIFYING if labels.get(name))


@dataclass(frozen=True, eq=False, slots=True)
class InfoRows:
    """The newest info series by step: `chosen` (keys x T) is a row of `labels`, or -1; `keys` by signature."""

    labels: Sequence[Labels]
    chosen: NDArray[np.intp]
    keys: dict[Hashable, list[int]]


def _info_rows(call: Invocation, choice: Choice) -> InfoRows:
    run = call.run
    times = reference_times(run, call.node.args[0], run.steps)
    selector = ast.Selector(None, choice.matchers, position=call.node.position)
    sampled = instant_with_times(run.at_steps(times), selector)
    table, mask, own = sampled.vector.table, sampled.vector.mask, sampled.times
    places: dict[Hashable, int] = {}
    keys: dict[Hashable, list[int]] = {}
    for labels in table.labels:
        signature = _signature(labels)
        place = places.setdefault((labels.get("__name__", ""), signature), len(places))
        known = keys.setdefault(signature, [])
        if signature and place not in known:
            known.append(place)
    chosen = np.full((len(places), len(times)), -1, np.intp)
    newest = np.zeros(chosen.shape, np.int64)
    for row, labels in enumerate(table.labels):
        place = places[labels.get("__name__", ""), _signature(labels)]
        taken = chosen[place] >= 0
        twice = np.flatnonzero(mask[row] & taken & (own[row] == newest[place]))
        if len(twice) and _signature(labels):
            other = table.row(int(chosen[place, twice[0]]))
            raise EvaluationError(
                f"found duplicate series for info metric: {_written(other)} and {_written(labels)} "
                f"@ {int(own[row, twice[0]])}",
                *call.node.position,
            )
        better = mask[row] & (~taken | (own[row] > newest[place]))
        chosen[place, better], newest[place, better] = row, own[row, better]
    return InfoRows(table.labels, chosen, keys)


def _written(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels)) + "}"


def _added(choice: Choice, infos: Sequence[Labels], base: Labels, place: ast.Position) -> dict[str, str]:
    added: dict[str, str] = {}
    for info in infos:
        for name, value in choice.labels(info).items():
            if added.get(name, value) != value:
                raise EvaluationError(f"conflicting label: {name}", *place)
            added[name] = value
    return {name: value for name, value in added.items() if name not in base}


def _info(call: Invocation) -> Value:
    base, choice = call.vector(0), choice_of(call.node)
    rows = _info_rows(call, choice)
    labels: list[Labels] = []
    sources: list[int] = []
    masks: list[NDArray[np.bool_]] = []
    for row, (own, present) in enumerate(zip(base.table.labels, base.mask, strict=True)):
        places = [] if choice.is_info(own) else rows.keys.get(_signature(own), [])
        found = rows.chosen[places]
        patterns, which = np.unique(found, axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            infos = [rows.labels[index] for index in patterns[:, number].tolist() if index >= 0]
            here = present & (which.reshape(-1) == number)
            if not here.any() or (not infos and choice.required and not choice.is_info(own)):
                continue
            labels.append({**own, **_added(choice, infos, own, call.node.position)})
            sources.append(row)
            masks.append(here)
    picked = np.array(sources, np.intp)
    pending = None if base.table.pending is None else base.table.pending[picked]
    present = np.array(masks, np.bool_).reshape(len(masks), base.steps)
    return call.run.distinct(Vector(Table(labels, pending=pending), base.values[picked], present))


INFO = (
    Function(
        "info",
        "info(v instant-vector, [data-label-selector])",
        "Labels of info metrics with the same instance and job.",
        _info,
    ),
)
