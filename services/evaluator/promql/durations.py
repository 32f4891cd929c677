"""Durations: read them from tokens, and work out the ones written as expressions."""

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.evaluator.promql.ast import Duration, DurationCall, DurationOp
from services.evaluator.promql.errors import EvaluationError, PromqlError
from services.evaluator.promql.lexer import parse_number

if TYPE_CHECKING:
    from services.evaluator.promql.rewrite import Rewritten

_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_ARITY = {"step": 0, "range": 0, "min_of": 2, "max_of": 2, "min": 2, "max": 2}
MAX_SECONDS = 9.2e9
MAX_NESTING = 100
_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": math.pow,
}


class DurationReader:
    """A precedence-climbing reader of the duration between `[` and `]` or after `offset`; indexes are of tokens."""

    def __init__(self, source: "Rewritten") -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def read(self, at: int) -> tuple[int, Duration]:
        """Read a whole expression that starts at a token; return the index after it."""
        self.at = at
        duration = self._binary(0)
        return self.at, duration

    def read_primary(self, at: int) -> tuple[int, Duration]:
        """Read what may stand after `offset`: a signed duration, a call or parentheses."""
        self.at = at
        op, place = self._word(), self.source.position(at + 1)
        if op not in {"+", "-"}:
            inner = self._primary()
            return self.at, inner
        self.at += 1
        inner = self._primary()
        if isinstance(inner, float):
            return self.at, -inner if op == "-" else inner
        return self.at, DurationOp(op, None, inner, position=place)

    def _word(self) -> str:
        return self.source.tokens[self.at].text if self.at < len(self.source.tokens) else ""

    def _binary(self, least: int) -> Duration:
        lhs = self._unary()
        while _BINDING.get(self._word(), 0) > least:
            op = self._word()
            place = self.source.position(self.at + 1)
            self.at += 1
            rhs = self._binary(_BINDING[op] - (op == "^"))
            lhs = DurationOp(op, lhs, rhs, position=place)
        return lhs

    def _unary(self) -> Duration:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self._fail("duration expression is nested too deeply")
        if self._word() in {"+", "-"}:
            op, place = self._word(), self.source.position(self.at + 1)
            self.at += 1
            inner = self._binary(2)
            if isinstance(inner, float):
                return -inner if op == "-" else inner
            return DurationOp(op, None, inner, position=place)
        return self._primary()

    def _primary(self) -> Duration:
        word, place = self._word(), self.source.position(self.at + 1)
        if word == "(":
            self.at += 1
            inner = self._binary(0)
            self._close()
            return DurationOp("+", None, inner, wrapped=True, position=place)
        if word.lower() in _ARITY:
            return self._call(word.lower())
        value = parse_number(word) if word and (word[0].isdigit() or word[0] == ".") else None
        if value is None:
            raise self._fail("bad number or duration syntax" if word else "unexpected end of input in a duration")
        if value > MAX_SECONDS:
            raise self._fail("duration out of range")
        self.at += 1
        return value

    def _call(self, name: str) -> Duration:
        place = self.source.position(self.at + 1)
        self.at += 1
        if self._word() != "(":
            raise self._fail(f"unexpected {self._word()!r} after {name}, expected '('")
        self.at += 1
        args: list[Duration] = []
        for number in range(_ARITY[name]):
            if number:
                if self._word() != ",":
                    raise self._fail(f"{name} takes two durations")
                self.at += 1
            args.append(self._binary(0))
        self._close()
        return DurationCall(name, tuple(args), position=place)

    def _close(self) -> None:
        if self._word() != ")":
            raise self._fail("')' is missing in a duration expression")
        self.at += 1

    def _fail(self, message: str) -> PromqlError:
        return PromqlError(message, *self.source.position(self.at + 1))


def seconds(duration: Duration, *, step_s: float, range_s: float) -> float:
    """Work out a duration in seconds, given the query's step and range. Raises EvaluationError."""
    if isinstance(duration, float | int):
        return float(duration)
    if isinstance(duration, DurationCall):
        args = [seconds(arg, step_s=step_s, range_s=range_s) for arg in duration.args]
        if duration.name in {"step", "range"}:
            return step_s if duration.name == "step" else range_s
        return min(args) if duration.name in {"min_of", "min"} else max(args)
    rhs = seconds(duration.rhs, step_s=step_s, range_s=range_s)
    lhs = 0.0 if duration.lhs is None else seconds(duration.lhs, step_s=step_s, range_s=range_s)
    return _apply(duration, lhs, rhs)


def _apply(node: DurationOp, lhs: float, rhs: float) -> float:
    if node.op in {"/", "%"} and rhs == 0:
        raise EvaluationError("division by zero" if node.op == "/" else "modulo by zero", *node.position)
    try:
        value = _OPERATIONS[node.op](lhs, rhs)
    except (OverflowError, ValueError, ZeroDivisionError):
        value = math.inf
    if not abs(value) <= MAX_SECONDS:
        raise EvaluationError("duration out of range", *node.position)
    return float(value)


def milliseconds(duration: Duration, *, step_s: float, range_s: float, positive: bool) -> int:
    """Work out a duration in whole milliseconds; `positive` refuses zero and less."""
    value = seconds(duration, step_s=step_s, range_s=range_s)
    if positive and value <= 0:
        place = duration.position if isinstance(duration, DurationOp | DurationCall) else (0, 0)
        raise EvaluationError("duration must be greater than 0", *place)
    return round(value * 1000)
