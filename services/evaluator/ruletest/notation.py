"""Prometheus' series notation: `name{label="value"}` and `1+1x10 _ stale NaN`."""

import re

from services.evaluator.promql import ABSENT, STALE, PromqlError, parse
from services.evaluator.promql.ast import Selector

_NUMBER = r"(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_ITEM = re.compile(rf"(?P<first>[+-]?{_NUMBER})(?:(?P<sign>[+-])(?P<step>[+-]?{_NUMBER}))?(?:x(?P<times>\d+))?")
_MISSING = re.compile(r"_(?:x(?P<times>\d+))?")
_MAX_SAMPLES = 1_000_000


class NotationError(ValueError):
    """A series or a sequence of values that can't be read."""


def parse_labels(text: str) -> dict[str, str]:
    """Return the labels with `__name__` of a series; raises NotationError."""
    stripped = text.strip()
    if stripped in {"", "{}"}:
        return {}
    try:
        expr = parse(stripped)
    except PromqlError as error:
        # A selector must name something, a series need not: `{a=""}` is the empty label set.
        raise NotationError(f"{text!r} is not a series: {error}") from error
    if not isinstance(expr, Selector) or any(one.op != "=" for one in expr.matchers) or expr.offset or expr.at:
        raise NotationError(f'{text!r} is not a series; write it like name{{label="value"}}')
    return {one.name: one.value for one in expr.matchers if one.value}


def parse_values(text: str) -> list[float]:
    """Return the samples of a sequence, ABSENT for `_`, STALE for `stale`; raises NotationError.

    `a+bxn` is a and n more, each b greater than the one before, added up as Prometheus does.
    """
    values: list[float] = []
    for item in text.split():
        values += _item(item)
        if len(values) > _MAX_SAMPLES:
            raise NotationError(f"more than {_MAX_SAMPLES} samples in one series")
    return values


def _item(item: str) -> list[float]:
    if item == "stale":
        return [STALE]
    if "{{" in item or "}}" in item:
        raise NotationError("native histograms are not kept yet")
    if missing := _MISSING.fullmatch(item):
        return [ABSENT] * int(missing["times"] or 1)
    found = _ITEM.fullmatch(item)
    if found is None:
        raise NotationError(f"{item!r} is not a sample; write it like 1, 1x5, 1+2x5, _ or stale")
    value = float(found["first"])
    if found["step"] is not None and found["times"] is None:
        raise NotationError(f"{item!r} lacks how often: write {item}x5")
    step = float(found["step"] or 0.0) * (-1.0 if found["sign"] == "-" else 1.0)
    values = [value]
    for _ in range(int(found["times"] or 0)):
        value += step
        values.append(value)
    return values
