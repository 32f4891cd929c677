"""Text that promql-parser reads as meant.

The library misreads or refuses some valid PromQL (back-quoted backslashes, RE2 regexes, `@ -1`, `offset 0s`, ranges
below a second, `anchored`, duration expressions) and gives no positions. So every name, string, number and duration is
replaced by the index of its token before the library sees it; the converter puts the real one back, with its place.
"""

from services.evaluator.promql.cursor import MAX_DEPTH, Rewritten
from services.evaluator.promql.errors import PromqlError
from services.evaluator.promql.lexer import tokenize
from services.evaluator.promql.rewrite_selector import SelectorCursor

MAX_LENGTH = 16 * 1024

AGGREGATIONS = frozenset(
    [
        "avg",
        "bottomk",
        "count",
        "count_values",
        "group",
        "limit_ratio",
        "limitk",
        "max",
        "min",
        "quantile",
        "stddev",
        "stdvar",
        "sum",
        "topk",
    ]
)
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_SYMBOL_OPERATORS = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "=~", "!~"})
_FILLS = frozenset({"fill", "fill_left", "fill_right"})
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def rewrite(source: str) -> Rewritten:
    """Replace names, strings, numbers and durations by token indexes. Raises PromqlError with the place."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_LENGTH:
        raise PromqlError(f"expression is longer than {MAX_LENGTH} bytes; split it with recording rules", 1, 1)
    return _Rewriter(Rewritten(source, tokenize(source))).run()


class _Rewriter(SelectorCursor):
    def run(self) -> Rewritten:
        if not self.tokens:
            raise PromqlError("no expression found in input", 1, 1)
        operand = True
        while self.at < len(self.tokens):
            operand = self._operand() if operand else self._operator()
        if self.open:
            raise self.error(f"unclosed {self.open[-1]!r}; {_CLOSING[self.open[-1]]!r} is missing", end=True)
        if operand:
            raise self.error("unexpected end of input: an expression is missing", end=True)
        self.result.text = " ".join(self.out)
        return self.result

    def _operand(self) -> bool:  # noqa: PLR0911  one return per kind of token
        kind, word = self.kind(), self.peek()
        if word in {"+", "-"}:
            self.deepen()
            self._sign(word)
            return True
        if word == "(":
            self.result.parens.append(self.at + 1)
            self.push("(")
            return True
        if word == ")" and self.out and self.out[-1] == "(" and len(self.open) > 0:
            return self._close()
        if word == "{":
            self.last_selector = self.at + 1
            self.braces(named=False)
            return False
        if kind == "string":
            self.out.append(self.string())
            return False
        if kind in {"number", "duration"} or (kind == "ident" and word.lower() in {"inf", "nan"}):
            self.number()
            return False
        if kind != "ident":
            raise self.error(f"unexpected {word!r}: an expression is missing before it")
        return self._name(word.lower())

    def _sign(self, word: str) -> None:
        if word == "+" and self.kind(1) == "string":
            raise self.error("unary expression only allowed on expressions of type scalar or instant vector")
        self.copy()

    def _name(self, lower: str) -> bool:
        index, after = self.at + 1, self.peek(1)
        if lower in AGGREGATIONS and (after == "(" or after.lower() in {"by", "without"}):
            self.result.calls.append(index)
            self.out.append(lower)
            self.at += 1
            if self.peek() != "(":
                self.grouping()
            if self.peek() != "(":
                raise self.error("unexpected token in aggregation, expected '('")
            self.push("(")
            return True
        if after == "(":
            self.result.calls.append(index)
            self.copy()
            self.push("(")
            return True
        if lower in _WORD_OPERATORS and not self.out:
            raise self.error(f"unexpected {self.peek()!r}: an expression is missing before it")
        self.result.names[index] = self.peek()
        self.out.append(f"t{index}")
        self.at += 1
        self.last_selector = index
        if self.peek() == "{":
            self.braces(named=True)
        return False

    def _operator(self) -> bool:  # noqa: PLR0911  one return per kind of token
        word, lower = self.peek(), self.peek().lower()
        if word in {"</", ">/"}:
            raise self.error(f"{word!r} works on native histograms, which are not supported")
        if word in _SYMBOL_OPERATORS or lower in _WORD_OPERATORS:
            self.deepen()
            self.out.append(lower)
            self.at += 1
            self._modifiers()
            return True
        if word == ")":
            return self._close()
        if word == "," and self.open and self.open[-1] == "(":
            self.weights[-1] = 0
            self.copy()
            return self.peek() != ")"
        if word == "[":
            self.window()
            return False
        if lower in {"by", "without"}:
            self.grouping()
            return False
        if lower == "offset":
            self.offset()
            return False
        if word == "@":
            self.place()
            return False
        if lower in {"anchored", "smoothed"}:
            self._extension(lower)
            return False
        raise self.error(f"unexpected {word!r}: an operator is missing before it")

    def _close(self) -> bool:
        if not self.open:
            raise self.error("unexpected ')': nothing is open")
        self.open.pop()
        self.weights.pop()
        self.last_selector = 0
        self.copy()
        return False

    def _extension(self, word: str) -> None:
        if not self.last_selector:
            raise self.error(f"{word} modifier can only be used with a selector")
        if self.result.extensions.setdefault(self.last_selector, word) != word:
            raise self.error("anchored and smoothed modifiers cannot be used together")
        self.at += 1

    def _modifiers(self) -> None:
        while True:
            lower, after = self.peek().lower(), self.peek(1)
            if lower == "bool":
                self.out.append("bool")
                self.at += 1
            elif lower in _GROUPING and after == "(":
                self.grouping()
            elif lower in {"group_left", "group_right"} and self.peek(-1) == ")":
                self.out.append(lower)
                self.at += 1
            elif lower in _FILLS and after == "(":
                self._fill()
            else:
                return

    def _fill(self) -> None:
        self.out.append(self.peek().lower())
        self.at += 1
        self.copy()
        if self.peek() in {"+", "-"}:
            self.copy()
        if self.kind() not in {"number", "duration", "ident"}:
            raise self.error("fill takes a number")
        self.number()
        self.expect(")")


__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Rewritten", "rewrite"]
