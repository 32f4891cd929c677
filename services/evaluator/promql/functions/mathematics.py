"""Functions of each sample's value alone."""

from collections.abc import Callable

import numpy as np

from services.evaluator.promql.functions.base import Function, Invocation, elementwise
from services.evaluator.promql.storage import Floats
from services.evaluator.promql.values import Scalar, Value, Vector


def _round(values: Floats, nearest: Floats | None = None) -> Floats:
    inverse = 1.0 / (np.ones(1) if nearest is None else nearest)
    return np.asarray(np.floor(values * inverse + 0.5) / inverse)


def _clamp_max(values: Floats, largest: Floats) -> Floats:
    return np.minimum(values, largest)


def _clamp_min(values: Floats, smallest: Floats) -> Floats:
    return np.maximum(values, smallest)


def _clamp(call: Invocation) -> Value:
    vector, low, high = call.vector(0), call.scalar(1), call.scalar(2)
    clamped = np.maximum(low, np.minimum(high, vector.values))
    valid = ~(high < low)
    return call.run.unnamed(Vector(vector.table, clamped, vector.present if valid.all() else vector.mask & valid))


def _pi(call: Invocation) -> Value:
    return Scalar(call.run.constant(np.pi))


def _of_scalars(pick: Callable[[Floats, Floats], Floats]) -> Callable[[Invocation], Value]:
    return lambda call: Scalar(pick(call.scalar(0), call.scalar(1)))


def _simple(name: str, doc: str, function: Callable[[Floats], Floats]) -> Function:
    return Function(name, f"{name}(v instant-vector)", doc, elementwise(function))


MATHEMATICS = (
    _simple("abs", "Absolute value.", np.abs),
    _simple("ceil", "Rounded up.", np.ceil),
    _simple("floor", "Rounded down.", np.floor),
    _simple("exp", "e to the value.", np.exp),
    _simple("ln", "Natural logarithm.", np.log),
    _simple("log2", "Logarithm to base 2.", np.log2),
    _simple("log10", "Logarithm to base 10.", np.log10),
    _simple("sqrt", "Square root.", np.sqrt),
    _simple("sgn", "Sign: -1, 0 or 1.", np.sign),
    Function(
        "round",
        "round(v instant-vector, to_nearest=1 scalar)",
        "Rounded to a multiple, halves up.",
        elementwise(_round),
    ),
    Function(
        "clamp",
        "clamp(v instant-vector, min scalar, max scalar)",
        "Limited to a range; nothing where min > max.",
        _clamp,
    ),
    Function("clamp_min", "clamp_min(v instant-vector, min scalar)", "At least min.", elementwise(_clamp_min)),
    Function("clamp_max", "clamp_max(v instant-vector, max scalar)", "At most max.", elementwise(_clamp_max)),
    _simple("sin", "Sine.", np.sin),
    _simple("cos", "Cosine.", np.cos),
    _simple("tan", "Tangent.", np.tan),
    _simple("asin", "Arc sine.", np.arcsin),
    _simple("acos", "Arc cosine.", np.arccos),
    _simple("atan", "Arc tangent.", np.arctan),
    _simple("sinh", "Hyperbolic sine.", np.sinh),
    _simple("cosh", "Hyperbolic cosine.", np.cosh),
    _simple("tanh", "Hyperbolic tangent.", np.tanh),
    _simple("asinh", "Inverse hyperbolic sine.", np.arcsinh),
    _simple("acosh", "Inverse hyperbolic cosine.", np.arccosh),
    _simple("atanh", "Inverse hyperbolic tangent.", np.arctanh),
    _simple("deg", "Radians as degrees.", np.degrees),
    _simple("rad", "Degrees as radians.", np.radians),
    Function("pi", "pi()", "The number pi.", _pi),
    Function("min_of", "min_of(a scalar, b scalar)", "The smaller of two numbers.", _of_scalars(np.minimum)),
    Function("max_of", "max_of(a scalar, b scalar)", "The larger of two numbers.", _of_scalars(np.maximum)),
)
