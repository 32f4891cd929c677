"""The walk over the expression tree; equal sub-expressions of a tick are computed once."""

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.aggregations import AGGREGATIONS
from services.evaluator.promql.annotations import Annotations
from services.evaluator.promql.binary import apply_binary
from services.evaluator.promql.context import Run, merged
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.functions import FUNCTIONS
from services.evaluator.promql.functions.base import Invocation
from services.evaluator.promql.operators import COMPARISON
from services.evaluator.promql.result import VectorResult, filtered
from services.evaluator.promql.select import Range, instant_vector, range_of_selector, range_of_vector
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Scalar, Text, Value, Vector


class TreeEvaluator:
    """Evaluates nodes; stateless, all state is in the run."""

    def value(self, run: Run, expr: ast.Expr) -> Value:
        """Return the value of an expression that is not a range vector. Raises EvaluationError."""
        found = run.memo.get(expr.text)
        if found is not None:
            # As if it had been read for this query alone: its limit and its figure do not depend on other queries.
            run.budget.spend(found[1])
            return found[0]  # type: ignore[no-any-return]  # what was stored below
        outer, run.annotations = run.annotations, Annotations()
        before = run.budget.samples
        try:
            value = self._compute(run, expr)
        finally:
            inner, run.annotations = run.annotations, outer
            outer.update(inner)
        if not len(inner):
            run.memo[expr.text] = value, run.budget.samples - before
        return value

    def _compute(self, run: Run, expr: ast.Expr) -> Value:  # noqa: PLR0911  one return per kind of node
        run.budget.check_time()
        match expr:
            case ast.Number():
                return Scalar(run.constant(expr.value))
            case ast.Binary():
                return apply_binary(run, expr, self.value(run, expr.lhs), self.value(run, expr.rhs))
            case ast.Selector():
                return instant_vector(run, expr)
            case ast.Aggregate():
                return self._aggregated(run, expr)
            case ast.Paren():
                return self.value(run, expr.expr)
            case ast.Negation():
                return self._negated(run, expr)
            case ast.String():
                return Text(expr.value)
            case ast.RangeSelector() | ast.Subquery():
                raise EvaluationError("a range vector cannot stand here", *expr.position)
            case ast.Call():
                function = FUNCTIONS.get(expr.name)
                if function is None:
                    raise EvaluationError(f"function {expr.name} is not supported", *expr.position)
                return function.body(Invocation(run, expr, self))
            case _:
                raise TypeError(f"no value for {type(expr).__name__}")

    def compared(self, run: Run, expr: ast.Expr) -> VectorResult | None:
        """Return the result of `vector > number`, as most alerts are, with less ado than `value`; None for others.

        Nothing of it is kept for other expressions of the tick.
        """
        if not isinstance(expr, ast.Binary) or not isinstance(expr.rhs, ast.Number) or expr.returns_bool:
            return None
        compare = COMPARISON.get(expr.op)
        if compare is None or len(run.steps) != 1 or expr.text in run.memo:
            return None
        spent = run.budget.samples
        left = self.value(run, expr.lhs)
        found = filtered(left, compare, expr.rhs.value, int(run.steps[0])) if isinstance(left, Vector) else None
        if found is None:
            run.budget.samples = spent  # they are read again
        return found

    def _negated(self, run: Run, expr: ast.Negation) -> Value:
        value = self.value(run, expr.expr)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        if isinstance(value, Vector):
            return run.unnamed(Vector(value.table, -value.values, value.present))
        raise EvaluationError("unary expression only allowed on scalars and instant vectors", *expr.position)

    def _aggregated(self, run: Run, expr: ast.Aggregate) -> Value:
        param = None if expr.param is None else self.value(run, expr.param)
        vector = self.value(run, expr.expr)
        if not isinstance(vector, Vector):
            raise EvaluationError(f"{expr.op} takes an instant vector", *expr.position)
        aggregation = AGGREGATIONS[expr.op]
        grouping = vector.table.grouping(expr.grouping, without=expr.without)
        if not vector.table.size:
            aggregation.check(param)
            return Vector(Table([], unique=True), np.empty((0, len(run.steps))))
        return run.distinct(aggregation.body(run, expr, vector, grouping, param))

    def windows(self, run: Run, expr: ast.Expr) -> Range:
        """Return the windows of a range vector expression."""
        expr = ast.unwrap(expr)
        if isinstance(expr, ast.RangeSelector):
            return range_of_selector(run, expr)
        if isinstance(expr, ast.Subquery):
            return self._subquery(run, expr)
        raise EvaluationError("a range vector is due here, such as metric[5m]", *expr.position)

    def _subquery(self, run: Run, expr: ast.Subquery) -> Range:
        span = run.milliseconds(expr.window, positive=True)
        step = run.settings.subquery_step_ms
        if expr.step is not None:
            step = run.milliseconds(expr.step, positive=True) or step
        ends, fixed = run.eval_times(expr.at, expr.offset)
        first = ((int(ends.min()) - span) // step + 1) * step if len(ends) else 0
        last = int(ends.max()) if len(ends) else -1
        times = np.arange(first, last + 1, step, dtype=np.int64)
        inner = run.at_steps(times)
        inner.annotations = run.annotations
        value = self.value(inner, expr.expr)
        if isinstance(value, Scalar):
            value = Vector(Table([{}], unique=True), value.values[None, :])
        if not isinstance(value, Vector):
            raise EvaluationError("a sub-query takes an instant vector or a scalar", *expr.position)
        return range_of_vector(run, merged(value), times, ends, span, fixed=fixed)


EVALUATOR = TreeEvaluator()
