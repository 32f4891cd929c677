"""Functions on classic histograms; those on native ones give nothing, as there are none."""

import numpy as np

from services.evaluator.promql.buckets import Buckets, Histograms, buckets_at, fraction, histograms_of, quantile
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.functions.base import Function, Invocation
from services.evaluator.promql.printer import format_number
from services.evaluator.promql.quantiles import warn_bad_quantile
from services.evaluator.promql.storage import Floats
from services.evaluator.promql.table import Labels, Table
from services.evaluator.promql.values import Value, Vector

_FIXED = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


def _prepare(call: Invocation, index: int) -> tuple[Vector, Histograms]:
    vector = call.vector(index)
    histograms = histograms_of(vector.table)
    for name, text in histograms.malformed:
        call.run.annotations.warn(
            f'bucket label "le" is missing or has a malformed value of "{text}" for metric name "{name}"',
            call.node.args[index].position,
        )
    return vector, histograms


def _each_step(call: Invocation, vector: Vector, histograms: Histograms, quantiles: list[Floats]) -> list[Vector]:
    """Compute one vector per list of quantiles."""
    shape = (histograms.table.size, vector.steps)
    outs = [np.full(shape, np.nan) for _ in quantiles]
    present = np.zeros(shape, np.bool_)
    for step in range(vector.steps):
        buckets = buckets_at(histograms, vector, step)
        _note_fixed(call, histograms, buckets)
        present[:, step] = buckets.widths > 0
        for out, q in zip(outs, quantiles, strict=True):
            out[:, step] = quantile(buckets, float(q[step]))
    return [Vector(histograms.table, out, present) for out in outs]


def _note_fixed(call: Invocation, histograms: Histograms, buckets: Buckets) -> None:
    if buckets.fixed.any():
        names = {histograms.table.row(int(row)).get("__name__", "") for row in np.flatnonzero(buckets.fixed)}
        for name in names:
            suffix = f' for metric name "{name}"' if name else ""
            call.run.annotations.info(_FIXED + suffix, call.node.args[-1].position)


def _histogram_quantile(call: Invocation) -> Value:
    q = call.scalar(0)
    warn_bad_quantile(call.run.annotations, q, call.node.args[0].position)
    vector, histograms = _prepare(call, 1)
    return call.run.unnamed(_each_step(call, vector, histograms, [q])[0])


def _histogram_quantiles(call: Invocation) -> Value:
    label = call.text(1)
    if not label:
        raise EvaluationError("invalid label name in histogram_quantiles()", *call.node.args[1].position)
    quantiles = [call.scalar(index) for index in range(2, len(call.node.args))]
    for index, q in enumerate(quantiles):
        warn_bad_quantile(call.run.annotations, q, call.node.args[index + 2].position)
    vector, histograms = _prepare(call, 0)
    parts = _each_step(call, vector, histograms, quantiles)
    rows: list[Labels] = []
    for q in quantiles:
        text = format_number(float(q[0])) if len(q) else "NaN"
        text += ".0" if text.lstrip("-").isdigit() else ""
        rows += [{**labels, label: text} for labels in histograms.table.labels]
    values = np.concatenate([part.values for part in parts])
    return call.run.unnamed(Vector(Table(rows), values, np.concatenate([part.mask for part in parts])))


def _histogram_fraction(call: Invocation) -> Value:
    lower, upper = call.scalar(0), call.scalar(1)
    vector, histograms = _prepare(call, 2)
    shape = (histograms.table.size, vector.steps)
    out, present = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    for step in range(vector.steps):
        buckets = buckets_at(histograms, vector, step, monotonic=False)
        present[:, step] = buckets.widths > 0
        out[:, step] = fraction(buckets, float(lower[step]), float(upper[step]))
    return call.run.unnamed(Vector(histograms.table, out, present))


def _native_only(call: Invocation) -> Value:
    vector = call.vector(0)
    call.run.settings.native_calls += 1
    call.run.annotations.warn(
        f"native histograms are not supported, so {call.node.name}() gives nothing", call.node.position
    )
    return Vector(Table([], unique=True), np.empty((0, vector.steps)))


HISTOGRAMS = (
    Function(
        "histogram_quantile",
        "histogram_quantile(φ scalar, b instant-vector)",
        "The φ-quantile of classic histograms, by their `le` buckets.",
        _histogram_quantile,
    ),
    Function(
        "histogram_quantiles",
        "histogram_quantiles(b instant-vector, label string, φ scalar, ...)",
        "Several quantiles at once, each marked by the label.",
        _histogram_quantiles,
    ),
    Function(
        "histogram_fraction",
        "histogram_fraction(lower scalar, upper scalar, b instant-vector)",
        "The share of observations between two values.",
        _histogram_fraction,
    ),
    *(
        Function(f"histogram_{name}", f"histogram_{name}(v instant-vector)", doc, _native_only)
        for name, doc in (
            ("count", "Observations of native histograms; float series give nothing."),
            ("sum", "Sum of native histograms; float series give nothing."),
            ("avg", "Mean of native histograms; float series give nothing."),
            ("stddev", "Standard deviation of native histograms; float series give nothing."),
            ("stdvar", "Variance of native histograms; float series give nothing."),
        )
    ),
)
