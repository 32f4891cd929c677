"""Prometheus' JSON: numbers as Go prints them, results, errors."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from aiohttp import web

from services.evaluator.promql import MatrixResult, Result, ScalarResult, StringResult, VectorResult

LIMITED = "results truncated due to limit"
_LEAST_PLAIN, _LEAST_BIG = 1e-6, 1e21


def go_float(value: float) -> str:
    """Return a sample value as Prometheus' JSON has it: shortest digits, an exponent for the very big and small."""
    if value != value:  # noqa: PLR0124 - the test for NaN
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    size = abs(value)
    if size < _LEAST_PLAIN or size >= _LEAST_BIG:
        return text.replace(".0e", "e")
    return f"{Decimal(text):f}"


def go_scientific(value: float) -> str:
    """Return a value as Go's 'e' format with the shortest digits: 20 gives `2e+01`; so are alert values shown."""
    if value != value or math.isinf(value):  # noqa: PLR0124 - the test for NaN
        return go_float(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1 if text != "0" else 0
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def seconds(t_ms: int) -> int | float:
    """Return milliseconds as a JSON number of seconds, whole where they are."""
    return t_ms // 1000 if t_ms % 1000 == 0 else t_ms / 1000


def result_data(result: Result, limit: int = 0) -> tuple[dict[str, Any], bool]:
    """Return `data` of a query's answer, and whether `limit` (0: none) has cut it."""
    data: Any
    match result.value:
        case VectorResult() as vector:
            data = _vector(vector)
        case MatrixResult() as matrix:
            data = _matrix(matrix)
        case ScalarResult() as scalar:
            data = [seconds(scalar.t_ms), go_float(scalar.value)]
        case StringResult() as string:
            data = [seconds(string.t_ms), string.value]
    cut = limit > 0 and result.type in {"vector", "matrix"} and len(data) > limit
    return {"resultType": result.type, "result": data[:limit] if cut else data}, cut


def _vector(vector: VectorResult) -> list[dict[str, Any]]:
    at = seconds(vector.t_ms)
    pairs = zip(vector.labels, vector.values.tolist(), strict=True)
    return [{"metric": dict(labels), "value": [at, go_float(value)]} for labels, value in pairs]


def _matrix(matrix: MatrixResult) -> list[dict[str, Any]]:
    times = [seconds(t_ms) for t_ms in matrix.times.tolist()]
    found = []
    for labels, values, present in zip(matrix.labels, matrix.values.tolist(), matrix.present.tolist(), strict=True):
        cells = [[t, go_float(value)] for t, value, here in zip(times, values, present, strict=True) if here]
        found.append({"metric": dict(labels), "values": cells})
    return found


def success(data: Any, *, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> web.Response:
    """Return a good answer."""
    return packed(orjson.dumps(_good(data, warnings, infos)))


def _good(data: Any, warnings: Sequence[str], infos: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = list(warnings)
    if infos:
        body["infos"] = list(infos)
    return body


def query_answer(result: Result, limit: int, stats: Mapping[str, Any] | None) -> bytes:
    """Return the body of a query's good answer; `stats` stand in it where they are wanted."""
    data, cut = result_data(result, limit)
    if stats is not None:
        data["stats"] = stats
    warnings = [*result.warnings, *([LIMITED] if cut else [])]
    return orjson.dumps(_good(data, warnings, result.infos))


def packed(body: bytes, status: int = 200) -> web.Response:
    """Return JSON that is compressed for those who take it."""
    response = web.Response(body=body, status=status, content_type="application/json")
    response.enable_compression()
    return response


def failure(error_type: str, text: str) -> web.Response:
    """Return an error answer with the status that Prometheus gives for its type."""
    body = {"status": "error", "errorType": error_type, "error": text}
    return packed(orjson.dumps(body), STATUS_OF[error_type])


STATUS_OF: Mapping[str, int] = {
    "bad_data": 400,
    "execution": 422,
    "timeout": 503,
    "unavailable": 503,
    "not_found": 404,
    "internal": 500,
}
