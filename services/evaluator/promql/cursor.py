"""A walk over tokens that writes the library's text as it goes."""

from dataclasses import dataclass, field

from services.evaluator.promql.ast import NOWHERE, Duration, Position
from services.evaluator.promql.errors import PromqlError
from services.evaluator.promql.lexer import Token, parse_number, position_of, unquote

MAX_DEPTH = 200


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


class Cursor:
    """Where the walk is: `at`, the token; `open`, the brackets; `weights`, how deep each of them nests."""

    def __init__(self, result: Rewritten) -> None:
        self.result = result
        self.tokens = result.tokens
        self.at = 0
        self.out: list[str] = []
        self.open: list[str] = []
        self.weights: list[int] = [0]
        self.last_selector = 0

    def error(self, message: str, *, end: bool = False) -> PromqlError:
        """Make an error at the present token, or at the end."""
        index = len(self.tokens) + 1 if end else self.at + 1
        return PromqlError(message, *self.result.position(index))

    def peek(self, ahead: int = 0) -> str:
        """Return a token's text, empty past the end."""
        index = self.at + ahead
        return self.tokens[index].text if index < len(self.tokens) else ""

    def kind(self, ahead: int = 0) -> str:
        """Return a token's kind."""
        index = self.at + ahead
        return self.tokens[index].kind if index < len(self.tokens) else ""

    def copy(self) -> str:
        """Write the present token and step on."""
        word = self.peek()
        self.out.append(word)
        self.at += 1
        return word

    def expect(self, word: str) -> None:
        """Write a token that must come now."""
        if self.peek() != word:
            found = repr(self.peek()) if self.peek() else "end of input"
            raise self.error(f"unexpected {found}, expected {word!r}")
        self.copy()

    def deepen(self) -> None:
        """Count one more level. Raises PromqlError past the limit."""
        self.weights[-1] += 1
        if sum(self.weights) > MAX_DEPTH:
            raise self.error(f"expression is nested deeper than {MAX_DEPTH}; split it with recording rules")

    def string(self) -> str:
        """Return the placeholder of the present string and step on."""
        index = self.at + 1
        self.result.strings[index] = unquote(self.tokens[self.at], self.result.source)
        self.at += 1
        return f'"{index}"'

    def push(self, bracket: str) -> None:
        """Open a bracket."""
        self.deepen()
        self.open.append(bracket)
        self.weights.append(0)
        self.copy()

    def number(self) -> None:
        """Write the placeholder of the present number and step on."""
        index = self.at + 1
        value = parse_number(self.peek())
        if value is None:
            raise self.error(f"bad number or duration syntax: {self.peek()!r}")
        self.result.numbers[index] = value
        self.out.append(str(index))
        self.at += 1
