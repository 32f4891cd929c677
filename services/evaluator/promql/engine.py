"""The engine: limits, caches, and the way from an expression to a result."""

from collections.abc import Callable, Hashable

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Budget, Run, Settings, Tables
from services.evaluator.promql.errors import EvaluationError, PromqlError
from services.evaluator.promql.evaluate import EVALUATOR
from services.evaluator.promql.parser import parse
from services.evaluator.promql.result import (
    MatrixResult,
    Result,
    ScalarResult,
    StringResult,
    VectorResult,
    matrix_result,
    vector_result,
)
from services.evaluator.promql.shared import Unions
from services.evaluator.promql.storage import ABSENT, Storage, Times
from services.evaluator.promql.values import Scalar, Text, Vector

MAX_STEPS = 11_000
_WINDOWED = (ast.RangeSelector, ast.Subquery)


class Tick:
    """Queries at one time on one storage that share their sub-expressions' results.

    `scope`: queries with equal scopes come again together, tick after tick, and are computed together (None: not).
    """

    def __init__(self, engine: "Engine", storage: Storage, t_ms: int, scope: Hashable = None) -> None:
        self._engine = engine
        self._run = engine.new_run(storage, t_ms, t_ms, 0, np.array([t_ms], np.int64))
        self._run.scope, self._run.shared = scope, None if scope is None else engine.unions
        self.t_ms = t_ms

    def scoped(self, scope: Hashable) -> "Tick":
        """Return the same tick for the queries of another scope."""
        other = Tick(self._engine, self._run.storage, self.t_ms, scope)
        other._run.memo = self._run.memo
        return other

    def instant(self, expr: str | ast.Expr) -> Result:
        """Evaluate an expression at the tick's time. Raises PromqlError."""
        run, engine = self._run, self._engine
        fresh = Run(
            run.storage,
            run.settings,
            run.tables,
            engine.new_budget(),
            run.start_ms,
            run.end_ms,
            run.step_ms,
            run.steps,
            memo=run.memo,
            shared=run.shared,
            scope=run.scope,
        )
        return engine.evaluate_instant(expr, fresh, self.t_ms)


class Engine:
    """Evaluates PromQL over a storage; keeps tables of label sets between queries, no samples.

    `lookback_s`: how old the newest sample may be. `max_samples`: read by one query. `timeout_s` needs `monotonic`,
    a clock in seconds. `delayed_names`: metric names go at the end of a query only (experimental in Prometheus).
    """

    def __init__(
        self,
        *,
        lookback_s: float = 300.0,
        max_samples: int = 50_000_000,
        timeout_s: float = 120.0,
        monotonic: Callable[[], float] | None = None,
        subquery_step_s: float = 60.0,
        delayed_names: bool = False,
    ) -> None:
        self._settings = Settings(round(lookback_s * 1000), round(subquery_step_s * 1000), delayed_names)
        self._tables = Tables()
        self.unions = Unions()
        self._max_samples, self._timeout_s, self._monotonic = max_samples, timeout_s, monotonic

    @property
    def native_calls(self) -> int:
        """How often a function of native histograms was evaluated; each time it gave nothing but a warning."""
        return self._settings.native_calls

    def new_budget(self) -> Budget:
        """Return what one query may use."""
        now = self._monotonic() if self._monotonic is not None else 0.0
        return Budget(self._max_samples, now + self._timeout_s, self._monotonic)

    def new_run(self, storage: Storage, start_ms: int, end_ms: int, step_ms: int, steps: Times) -> Run:
        """Return the state of one query."""
        return Run(storage, self._settings, self._tables, self.new_budget(), start_ms, end_ms, step_ms, steps)

    def tick(self, storage: Storage, t_ms: int, scope: Hashable = None) -> Tick:
        """Return a tick: what its queries have in common is computed once; the storage must not change meanwhile."""
        return Tick(self, storage, t_ms, scope)

    def instant(self, expr: str | ast.Expr, storage: Storage, t_ms: int) -> Result:
        """Evaluate at one time. A range vector expression gives a matrix. Raises PromqlError."""
        return Tick(self, storage, t_ms).instant(expr)

    def range(self, expr: str | ast.Expr, storage: Storage, start_ms: int, end_ms: int, step_ms: int) -> Result:
        """Evaluate at start, start + step … up to end; at most 11,000 steps. Raises PromqlError."""
        if step_ms <= 0 or end_ms < start_ms:
            raise EvaluationError("a range needs a positive step and an end that is not before its start")
        if (end_ms - start_ms) // step_ms >= MAX_STEPS:
            raise EvaluationError(
                f"exceeded maximum resolution of {MAX_STEPS} points per timeseries; use a larger step"
            )
        node = parse(expr) if isinstance(expr, str) else expr
        kind = ast.value_type(node)
        if kind not in {"vector", "scalar"}:
            said = "range vector" if kind == "matrix" else kind
            raise PromqlError(
                f'invalid expression type "{said}" for range query, must be Scalar or instant Vector', 1, 1
            )
        steps = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
        run = self.new_run(storage, start_ms, end_ms, step_ms, steps)
        with np.errstate(all="ignore"):
            value = EVALUATOR.value(run, node)
        if isinstance(value, Scalar):
            matrix = MatrixResult([{}], steps, value.values[None, :], np.ones((1, len(steps)), np.bool_))
        elif isinstance(value, Vector):
            matrix = matrix_result(value, steps)
        else:
            raise EvaluationError("a range query takes a vector or a scalar")
        return Result("matrix", matrix, run.annotations.warnings, run.annotations.infos, run.budget.samples)

    def evaluate_instant(self, expr: str | ast.Expr, run: Run, t_ms: int) -> Result:
        """Evaluate within a prepared run of one step."""
        node = parse(expr) if isinstance(expr, str) else expr
        with np.errstate(all="ignore"):
            if isinstance(ast.unwrap(node), _WINDOWED):
                return self._window(node, run)
            value = EVALUATOR.compared(run, node) or EVALUATOR.value(run, node)
        notes = run.annotations
        about = (notes.warnings, notes.infos, run.budget.samples)
        match value:
            case VectorResult():
                return Result("vector", value, *about)
            case Vector():
                return Result("vector", vector_result(value, t_ms), *about)
            case Scalar():
                return Result("scalar", ScalarResult(float(value.values[0]), t_ms), *about)
            case Text():
                return Result("string", StringResult(value.value, t_ms), *about)

    def _window(self, node: ast.Expr, run: Run) -> Result:
        samples = EVALUATOR.windows(run, node)
        windows = samples.at(0)
        axes = np.zeros(windows.size, np.intp) if windows.axes is None else windows.axes
        mask = np.ones(windows.values.shape, np.bool_) if windows.mask is None else windows.mask
        times = np.unique(windows.times[axes][mask]) if windows.size else np.empty(0, np.int64)
        cells = np.full((windows.size, len(times)), ABSENT)
        present = np.zeros(cells.shape, np.bool_)
        rows, columns = np.nonzero(mask)
        places = np.searchsorted(times, windows.times[axes[rows], columns])
        cells[rows, places], present[rows, places] = windows.values[rows, columns], True
        matrix = matrix_result(Vector(samples.table, cells, present), times)
        return Result("matrix", matrix, run.annotations.warnings, run.annotations.infos, run.budget.samples)
