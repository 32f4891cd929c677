"""Text that promql-parser reads as meant.

The library misreads or refuses some valid PromQL (back-quoted backslashes, RE2 regexes, `@ -1`, `offset 0s`, ranges
below a second, `anchored`, duration expressions) and gives no positions. So every name, string, number and duration is
replaced by the index of its token before the library sees it; the converter puts the real one back, with its place.
"""

from dataclasses import dataclass, field

from services.evaluator.promql.ast import Duration, NOWHERE, Position
from services.evaluator.promql.durations import DurationReader
from services.evaluator.promql.errors import PromqlError
from services.evaluator.promql.lexer import Token, parse_number, position_of, tokenize, unquote

MAX_LENGTH = 16 * 1024
MAX_DEPTH = 200

AGGREGATIONS = frozenset(
    "avg bottomk count count_values group limit_ratio limitk max min quantile stddev stdvar sum topk".split()
)
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_SYMBOL_OPERATORS = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "=~", "!~"})
_FILLS = frozenset({"fill", "fill_left", "fill_right"})
_CLOSING = {"(": ")", "{": "}", "[": "]"}


@dataclass
class Rewritten:
    """The text for the library, and what its placeholders stand for (by token index, from 1)."""

    source: str
    tokens: list[Token]
    text: str = ""
    names: dict[int, str] = field(default_factory=dict)
    strings: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, float] = field(default_factory=dict)
    durations: dict[int, Duration] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    parens: list[int] = field(default_factory=list)
    extensions: dict[int, str] = field(default_factory=dict)

    def position(self, index: int) -> Position:
        """Return the place of a token, or of the end."""
        if index < 1:
            return NOWHERE
        offset = self.tokens[index - 1].offset if index <= len(self.tokens) else len(self.source)
        return position_of(self.source, offset)


def rewrite(source: str) -> Rewritten:
    """Replace names, strings, numbers and durations by token indexes. Raises PromqlError with the place."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_LENGTH:
        raise PromqlError(f"expression is longer than {MAX_LENGTH} bytes; split it with recording rules", 1, 1)
    return _Rewriter(Rewritten(source, tokenize(source))).run()


class _Rewriter:
    def __init__(self, result: Rewritten) -> None:
        self.result = result
        self.tokens = result.tokens
        self.at = 0
        self.out: list[str] = []
        self.open: list[str] = []
        self.weights: list[int] = [0]
        self.last_selector = 0

    def run(self) -> Rewritten:
        if not self.tokens:
            raise PromqlError("no expression found in input", 1, 1)
        operand = True
        while self.at < len(self.tokens):
            operand = self._operand() if operand else self._operator()
        if self.open:
            raise self._error(f"unclosed {self.open[-1]!r}; {_CLOSING[self.open[-1]]!r} is missing", end=True)
        if operand:
            raise self._error("unexpected end of input: an expression is missing", end=True)
        self.result.text = " ".join(self.out)
        return self.result

    # -- helpers -------------------------------------------------------------------------------

    def _error(self, message: str, *, end: bool = False) -> PromqlError:
        index = len(self.tokens) + 1 if end else self.at + 1
        return PromqlError(message, *self.result.position(index))

    def _peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index].text if index < len(self.tokens) else ""

    def _kind(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index].kind if index < len(self.tokens) else ""

    def _copy(self) -> str:
        word = self._peek()
        self.out.append(word)
        self.at += 1
        return word

    def _expect(self, word: str) -> None:
        if self._peek() != word:
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._error(f"unexpected {found}, expected {word!r}")
        self._copy()

    def _deepen(self) -> None:
        self.weights[-1] += 1
        if sum(self.weights) > MAX_DEPTH:
            raise self._error(f"expression is nested deeper than {MAX_DEPTH}; split it with recording rules")

    def _string(self) -> str:
        index = self.at + 1
        self.result.strings[index] = unquote(self.tokens[self.at], self.result.source)
        self.at += 1
        return f'"{index}"'

    def _push(self, bracket: str) -> None:
        self._deepen()
        self.open.append(bracket)
        self.weights.append(0)
        self._copy()

    # -- where an operand is due ---------------------------------------------------------------

    def _operand(self) -> bool:
        kind, word = self._kind(), self._peek()
        if word in {"+", "-"}:
            self._deepen()
            self._sign(word)
            return True
        if word == "(":
            self.result.parens.append(self.at + 1)
            self._push("(")
            return True
        if word == ")" and self.out and self.out[-1] == "(" and len(self.open) > 0:
            return self._close()
        if word == "{":
            self.last_selector = self.at + 1
            self._braces(named=False)
            return False
        if kind == "string":
            self.out.append(self._string())
            return False
        if kind in {"number", "duration"} or (kind == "ident" and word.lower() in {"inf", "nan"}):
            self._number()
            return False
        if kind != "ident":
            raise self._error(f"unexpected {word!r}: an expression is missing before it")
        return self._name(word.lower())

    def _sign(self, word: str) -> None:
        if word == "+" and self._kind(1) == "string":
            raise self._error("unary expression only allowed on expressions of type scalar or instant vector")
        self._copy()

    def _number(self) -> None:
        index = self.at + 1
        value = parse_number(self._peek())
        if value is None:
            raise self._error(f"bad number or duration syntax: {self._peek()!r}")
        self.result.numbers[index] = value
        self.out.append(str(index))
        self.at += 1

    def _name(self, lower: str) -> bool:
        index, after = self.at + 1, self._peek(1)
        if lower in AGGREGATIONS and (after == "(" or after.lower() in {"by", "without"}):
            self.result.calls.append(index)
            self.out.append(lower)
            self.at += 1
            if self._peek() != "(":
                self._grouping()
            if self._peek() != "(":
                raise self._error("unexpected token in aggregation, expected '('")
            self._push("(")
            return True
        if after == "(":
            self.result.calls.append(index)
            self._copy()
            self._push("(")
            return True
        if lower in _WORD_OPERATORS and not self.out:
            raise self._error(f"unexpected {self._peek()!r}: an expression is missing before it")
        self.result.names[index] = self._peek()
        self.out.append(f"t{index}")
        self.at += 1
        self.last_selector = index
        if self._peek() == "{":
            self._braces(named=True)
        return False

    def _grouping(self) -> None:
        self.out.append(self._peek().lower())
        self.at += 1
        if self._peek() != "(":
            raise self._error("unexpected token in grouping, expected '('")
        self._copy()
        while self._peek() != ")":
            if self._kind() == "string":
                self.out.append(self._string())
            elif self._kind() == "ident":
                self._copy()
            else:
                raise self._error(f"unexpected {self._peek() or 'end of input'!r} in grouping, expected a label name")
            if self._peek() != ")":
                self._expect(",")
        self._copy()

    def _braces(self, *, named: bool) -> None:
        index = self.at + 1
        self._copy()
        if not named:
            self.out.append(f'__t="{index}"')
            if self._peek() != "}":
                self.out.append(",")
        while self._peek() != "}":
            self._matcher()
            if self._peek().lower() == "or":
                raise self._error("'or' between matchers is not PromQL; use a regex or two selectors joined by or")
            if self._peek() != "}":
                self._expect(",")
        self._copy()

    def _matcher(self) -> None:
        if self._kind() not in {"ident", "string"}:
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._error(f"unexpected {found} inside braces, expected a label name or '}}'")
        quoted = self._kind() == "string"
        label = self._string() if quoted else self._copy_label()
        if quoted:
            self.out.append(label)
        if quoted and self._peek() in {",", "}"}:
            return
        if self._peek() not in {"=", "!=", "=~", "!~"}:
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._error(f"unexpected {found} in label matching, expected one of = != =~ !~")
        self._copy()
        if self._kind() != "string":
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._error(f"unexpected {found} in label matching, expected a quoted string")
        self.out.append(self._string())

    def _copy_label(self) -> str:
        if ":" in self._peek():
            raise self._error(f"bad label name {self._peek()!r}; quote names that hold a colon")
        return self._copy()

    # -- where an operator is due --------------------------------------------------------------

    def _operator(self) -> bool:
        word, lower = self._peek(), self._peek().lower()
        if word in {"</", ">/"}:
            raise self._error(f"{word!r} works on native histograms, which are not supported")
        if word in _SYMBOL_OPERATORS or lower in _WORD_OPERATORS:
            self._deepen()
            self.out.append(lower)
            self.at += 1
            self._modifiers()
            return True
        if word == ")":
            return self._close()
        if word == "," and self.open and self.open[-1] == "(":
            self.weights[-1] = 0
            self._copy()
            return self._peek() != ")"
        if word == "[":
            self._window()
            return False
        if lower in {"by", "without"}:
            self._grouping()
            return False
        if lower == "offset":
            self._offset()
            return False
        if word == "@":
            self._at()
            return False
        if lower in {"anchored", "smoothed"}:
            self.result.extensions[self.last_selector] = lower
            self.at += 1
            return False
        raise self._error(f"unexpected {word!r}: an operator is missing before it")

    def _close(self) -> bool:
        if not self.open:
            raise self._error("unexpected ')': nothing is open")
        self.open.pop()
        self.weights.pop()
        self._copy()
        return False

    def _modifiers(self) -> None:
        while True:
            lower, after = self._peek().lower(), self._peek(1)
            if lower == "bool":
                self.out.append("bool")
                self.at += 1
            elif lower in _GROUPING and after == "(":
                self._grouping()
            elif lower in {"group_left", "group_right"} and self._peek(-1) == ")":
                self.out.append(lower)
                self.at += 1
            elif lower in _FILLS and after == "(":
                self._fill()
            else:
                return

    def _fill(self) -> None:
        self.out.append(self._peek().lower())
        self.at += 1
        self._copy()
        if self._peek() in {"+", "-"}:
            self._copy()
        if self._kind() not in {"number", "duration", "ident"}:
            raise self._error("fill takes a number")
        self._number()
        self._expect(")")

    def _window(self) -> None:
        start = self.at
        self.out.append("[")
        self.at += 1
        reader = DurationReader(self.result, self._error)
        for closing in (":", "]"):
            if self._peek() not in {":", "]"}:
                self.at, duration = reader.read(self.at)
                self.result.durations[self.at] = duration
                self.out.append(f"{self.at}s")
            if self._peek() == closing == ":":
                self._copy()
            elif self._peek() == "]":
                break
        if self._peek() != "]":
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._error(f"unexpected {found} in a range, expected ']'")
        if self.at == start + 1:
            raise self._error("missing duration between '[' and ']'")
        self._copy()

    def _offset(self) -> None:
        self.out.append("offset")
        self.at, duration = DurationReader(self.result, self._error).read_primary(self.at + 1)
        self.result.durations[self.at] = duration
        self.out.append(f"{self.at}s")

    def _at(self) -> None:
        self._copy()
        if self._peek().lower() in {"start", "end"}:
            self.out.append(self._peek().lower())
            self.at += 1
            self._expect("(")
            self._expect(")")
            return
        sign = 1.0
        if self._peek() in {"+", "-"}:
            sign = -1.0 if self._peek() == "-" else 1.0
            self.at += 1
        value = parse_number(self._peek()) if self._kind() in {"number", "duration", "ident"} else None
        if value is None:
            raise self._error("'@' takes a timestamp in seconds, start() or end()")
        if not abs(value) < 9.2e15:
            raise self._error(f"timestamp out of bounds for @ modifier: {value:f}")
        self.at += 1
        self.result.numbers[self.at] = sign * value
        self.out.append(str(self.at))
