"""Functions that change labels or the order of series."""

import re
from collections.abc import Callable

import numpy as np

from services.evaluator.promql.errors import EvaluationError, PromqlError
from services.evaluator.promql.functions.base import Function, Invocation
from services.evaluator.promql.storage import compile_regex
from services.evaluator.promql.table import Labels, Table
from services.evaluator.promql.values import Value, Vector

_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)
_NUMBERS = re.compile(r"(\d+)")


def _check_label(name: str, place: str) -> None:
    if not name or any("\udc80" <= char <= "\udcff" for char in name):
        raise EvaluationError(f"invalid {place} label name in {name!r}")


def _relabelled(call: Invocation, vector: Vector, target: str, change: Callable[[Labels], str | None]) -> Value:
    table = vector.table.cached(("relabelled", call.node.text), lambda: _change(vector.table, target, change))
    return call.run.distinct(Vector(table, vector.values, vector.present))


def _change(table: Table, target: str, change: Callable[[Labels], str | None]) -> Table:
    rows: list[Labels] = []
    pending = None if table.pending is None else table.pending.copy()
    for index, labels in enumerate(table.labels):
        value = change(labels)
        if value is None:
            rows.append(labels)
            continue
        changed = {name: text for name, text in labels.items() if name != target}
        if value:
            changed[target] = value
        rows.append(changed)
        if pending is not None and target == "__name__":
            pending[index] = False
    return Table(rows, pending=pending)


def expand(template: str, groups: Callable[[str], str]) -> str:
    """Fill `$1`, `${1}`, `$name` and `$$` as Go's Regexp.Expand does."""
    return _REFERENCE.sub(lambda found: "$" if found[1] else groups(found[2] or found[3]), template)


def _label_replace(call: Invocation) -> Value:
    target, template, source, pattern = (call.text(index) for index in range(1, 5))
    try:
        regex = compile_regex(pattern)
    except PromqlError:
        raise EvaluationError(f"invalid regular expression in label_replace(): {pattern}") from None
    _check_label(target, "destination")

    def change(labels: Labels) -> str | None:
        found = regex.fullmatch(labels.get(source, ""))
        if found is None:
            return None

        def group(name: str) -> str:
            try:
                return found.group(int(name) if name.isdigit() else name) or ""
            except (IndexError, KeyError):
                return ""

        return expand(template, group)

    return _relabelled(call, call.vector(0), target, change)


def _label_join(call: Invocation) -> Value:
    target, separator = call.text(1), call.text(2)
    sources = [call.text(index) for index in range(3, len(call.node.args))]
    _check_label(target, "destination")
    for source in sources:
        _check_label(source, "source")
    return _relabelled(
        call, call.vector(0), target, lambda labels: separator.join(labels.get(name, "") for name in sources)
    )


def _sorted(*, descending: bool) -> Callable[[Invocation], Value]:
    def body(call: Invocation) -> Value:
        vector = call.vector(0)
        _note_range(call)
        if vector.steps != 1:
            return vector
        values = vector.values[:, 0]
        nan = np.isnan(values)
        return _ordered(vector, np.lexsort((np.where(nan, 0.0, -values if descending else values), nan)))

    return body


def _note_range(call: Invocation) -> None:
    if call.run.step_ms:
        call.run.annotations.warn(
            "sort is ineffective for range queries since results are always ordered by labels", call.node.position
        )


def _ordered(vector: Vector, order: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Vector:
    present = None if vector.present is None else vector.present[order]
    return Vector(vector.table.take(order), vector.values[order], present)


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key under which `a2` comes before `a10`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBERS.split(text) if part]


def _sorted_by_label(*, descending: bool) -> Callable[[Invocation], Value]:
    def body(call: Invocation) -> Value:
        vector = call.vector(0)
        _note_range(call)
        if vector.steps != 1:
            return vector
        names = [call.text(index) for index in range(1, len(call.node.args))]
        labels = vector.table.labels

        def key(index: int) -> tuple[list[list[tuple[int, int, str]]], list[tuple[str, str]]]:
            return [natural_key(labels[index].get(name, "")) for name in names], sorted(labels[index].items())

        return _ordered(vector, np.array(sorted(range(len(labels)), key=key, reverse=descending), np.intp))

    return body


LABELS = (
    Function(
        "label_replace",
        "label_replace(v instant-vector, dst string, replacement string, src string, regex string)",
        "Sets label dst from a match of regex on label src.",
        _label_replace,
    ),
    Function(
        "label_join",
        "label_join(v instant-vector, dst string, separator string, src string, ...)",
        "Sets label dst to the values of other labels, joined.",
        _label_join,
    ),
    Function("sort", "sort(v instant-vector)", "In ascending order of value.", _sorted(descending=False)),
    Function("sort_desc", "sort_desc(v instant-vector)", "In descending order of value.", _sorted(descending=True)),
    Function(
        "sort_by_label",
        "sort_by_label(v instant-vector, label string, ...)",
        "In natural order of label values.",
        _sorted_by_label(descending=False),
    ),
    Function(
        "sort_by_label_desc",
        "sort_by_label_desc(v instant-vector, label string, ...)",
        "In reverse natural order of label values.",
        _sorted_by_label(descending=True),
    ),
)
