"""The part of the walk that is about selectors: label lists, matchers, ranges, `offset` and `@`."""

from services.evaluator.promql.cursor import Cursor
from services.evaluator.promql.durations import DurationReader
from services.evaluator.promql.lexer import parse_number

MAX_SECONDS = 9.2e15


class SelectorCursor(Cursor):
    """Rewrites what belongs to a selector or a sub-query."""

    def grouping(self) -> None:
        """Rewrite `by (a, b)` and the like."""
        self.out.append(self.peek().lower())
        self.at += 1
        if self.peek() != "(":
            raise self.error("unexpected token in grouping, expected '('")
        self.copy()
        while self.peek() != ")":
            if self.kind() == "string":
                self.out.append(self.string())
            elif self.kind() == "ident":
                self.copy()
            else:
                raise self.error(f"unexpected {self.peek() or 'end of input'!r} in grouping, expected a label name")
            if self.peek() != ")":
                self.expect(",")
        self.copy()

    def braces(self, *, named: bool) -> None:
        """Rewrite `{a="b", …}`; a selector without a name gets a matcher that carries its place."""
        index = self.at + 1
        self.copy()
        if not named:
            self.out.append(f'__t="{index}"')
            if self.peek() != "}":
                self.out.append(",")
        while self.peek() != "}":
            self._matcher()
            if self.peek().lower() == "or":
                raise self.error("'or' between matchers is not PromQL; use a regex or two selectors joined by or")
            if self.peek() != "}":
                self.expect(",")
        self.copy()

    def _matcher(self) -> None:
        if self.kind() not in {"ident", "string"}:
            found = repr(self.peek()) if self.peek() else "end of input"
            raise self.error(f"unexpected {found} inside braces, expected a label name or '}}'")
        quoted = self.kind() == "string"
        label = self.string() if quoted else self._copy_label()
        if quoted:
            self.out.append(label)
        if quoted and self.peek() in {",", "}"}:
            return
        if self.peek() not in {"=", "!=", "=~", "!~"}:
            found = repr(self.peek()) if self.peek() else "end of input"
            raise self.error(f"unexpected {found} in label matching, expected one of = != =~ !~")
        self.copy()
        if self.kind() != "string":
            found = repr(self.peek()) if self.peek() else "end of input"
            raise self.error(f"unexpected {found} in label matching, expected a quoted string")
        self.out.append(self.string())

    def _copy_label(self) -> str:
        if ":" in self.peek():
            raise self.error(f"bad label name {self.peek()!r}; quote names that hold a colon")
        return self.copy()

    def window(self) -> None:
        """Rewrite `[range]` or `[range:step]`."""
        self.out.append("[")
        self.at += 1
        if self.peek() in {"]", ":"}:
            raise self.error("missing duration after '['")
        self._duration()
        if self.peek() == ":":
            self.copy()
            self.last_selector = 0
            if self.peek() != "]":
                self._duration()
        self.expect("]")

    def _duration(self) -> None:
        self.at, duration = DurationReader(self.result).read(self.at)
        self.result.durations[self.at] = duration
        self.out.append(f"{self.at}s")

    def offset(self) -> None:
        """Rewrite `offset d`."""
        self.out.append("offset")
        self.at, duration = DurationReader(self.result).read_primary(self.at + 1)
        self.result.durations[self.at] = duration
        self.out.append(f"{self.at}s")

    def place(self) -> None:
        """Rewrite `@ t`."""
        self.copy()
        if self.peek().lower() in {"start", "end"}:
            self.out.append(self.peek().lower())
            self.at += 1
            self.expect("(")
            self.expect(")")
            return
        sign = 1.0
        if self.peek() in {"+", "-"}:
            sign = -1.0 if self.peek() == "-" else 1.0
            self.at += 1
        value = parse_number(self.peek()) if self.kind() in {"number", "duration", "ident"} else None
        if value is None:
            raise self.error("'@' takes a timestamp in seconds, start() or end()")
        if not abs(value) < MAX_SECONDS:
            raise self.error(f"timestamp out of bounds for @ modifier: {value:f}")
        self.at += 1
        self.result.numbers[self.at] = sign * value
        self.out.append(str(self.at))
