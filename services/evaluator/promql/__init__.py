"""PromQL: parse, evaluate over columns, explain. Pure: no I/O, no clock."""

from services.evaluator.promql.analysis import Selected, Threshold, selectors, thresholds
from services.evaluator.promql.ast import Expr, value_type
from services.evaluator.promql.ast_json import ast_json
from services.evaluator.promql.engine import Engine, Tick
from services.evaluator.promql.errors import EvaluationError, PromqlError, QueryTimeoutError, SampleLimitError
from services.evaluator.promql.parser import parse
from services.evaluator.promql.pretty import pretty
from services.evaluator.promql.result import MatrixResult, Result, ScalarResult, StringResult, VectorResult
from services.evaluator.promql.storage import ABSENT, STALE, Block, Matcher, Storage


def format_expr(expr: Expr) -> str:
    """Return the canonical text of an expression, as Prometheus prints it."""
    return expr.text


__all__ = [
    "ABSENT",
    "STALE",
    "Block",
    "Engine",
    "EvaluationError",
    "Expr",
    "Matcher",
    "MatrixResult",
    "PromqlError",
    "QueryTimeoutError",
    "Result",
    "SampleLimitError",
    "ScalarResult",
    "Selected",
    "Storage",
    "StringResult",
    "Threshold",
    "Tick",
    "VectorResult",
    "ast_json",
    "format_expr",
    "parse",
    "pretty",
    "selectors",
    "thresholds",
    "value_type",
]
