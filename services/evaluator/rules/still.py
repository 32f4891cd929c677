"""Results that can't change while no metric that an expression reads has a series: rules of packs for things not run.

Without samples an expression depends on nothing but the time, and on that only by functions without arguments
(`time()`, `hour()`); so what it gave once it gives again until one of its metrics comes.
"""

from collections.abc import Callable

from services.evaluator.promql import Expr, Result, ast, selectors
from services.evaluator.rules.query import Queries


class StillExpression:
    """One expression's result, kept as long as none of its metrics has a series."""

    def __init__(self, expr: Expr) -> None:
        self._expr = expr
        names = [one.name for one in selectors(expr)]
        known = [name for name in names if name is not None]
        self._names = tuple(dict.fromkeys(known))
        self._may_rest = len(known) == len(names) and not _tells_time(expr)
        self._result: Result | None = None

    def instant(self, tick: Queries, has_series: Callable[[str], bool]) -> Result:
        """Return the result at the tick's time; raises PromqlError.

        `has_series`: whether the head holds a series of a metric.
        """
        if not self._may_rest or any(map(has_series, self._names)):
            self._result = None
            return tick.instant(self._expr)
        if self._result is None:
            self._result = tick.instant(self._expr)
        return self._result


def _tells_time(expr: Expr) -> bool:
    waiting: list[Expr] = [expr]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Call) and not one.args:
            return True
        waiting += ast.children(one)
    return False
