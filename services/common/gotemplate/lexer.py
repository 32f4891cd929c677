"""The tokens of a template: text outside `{{ }}`, words and marks inside."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from services.common.gotemplate.quoting import printable, quote, to_bytes


class Kind(Enum):
    """What a token is."""

    ERROR = auto()
    BOOL = auto()
    CHAR = auto()
    CHAR_CONSTANT = auto()
    COMPLEX = auto()
    ASSIGN = auto()
    DECLARE = auto()
    EOF = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    LEFT_DELIM = auto()
    LEFT_PAREN = auto()
    NUMBER = auto()
    PIPE = auto()
    RAW_STRING = auto()
    RIGHT_DELIM = auto()
    RIGHT_PAREN = auto()
    SPACE = auto()
    STRING = auto()
    TEXT = auto()
    VARIABLE = auto()
    DOT = auto()
    BLOCK = auto()
    BREAK = auto()
    CONTINUE = auto()
    DEFINE = auto()
    ELSE = auto()
    END = auto()
    IF = auto()
    NIL = auto()
    RANGE = auto()
    TEMPLATE = auto()
    WITH = auto()


_KEYWORDS = {
    kind.name.lower(): kind
    for kind in (
        Kind.BLOCK,
        Kind.BREAK,
        Kind.CONTINUE,
        Kind.DEFINE,
        Kind.ELSE,
        Kind.END,
        Kind.IF,
        Kind.NIL,
        Kind.RANGE,
        Kind.TEMPLATE,
        Kind.WITH,
    )
}
_KEYWORD_KINDS = {*_KEYWORDS.values(), Kind.DOT}
_SPACES = " \t\r\n"
_RIGHT_DELIM = re.compile(r"(?P<trim>[ \t\r\n]-)?\}\}")
_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': (re.compile(r'"(?:\\[^\n]|[^"\\\n])*"'), Kind.STRING, "unterminated quoted string"),
    "`": (re.compile(r"`[^`]*`"), Kind.RAW_STRING, "unterminated raw quoted string"),
    "'": (re.compile(r"'(?:\\[^\n]|[^'\\\n])*'"), Kind.CHAR_CONSTANT, "unterminated character constant"),
}
_MARKS = {"=": Kind.ASSIGN, "|": Kind.PIPE}
_LONG = 10


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the input; `pos` counts characters from its start."""

    kind: Kind
    pos: int
    text: str
    line: int

    def __str__(self) -> str:
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind in _KEYWORD_KINDS:
            return f"<{self.text}>"
        if len(to_bytes(self.text)) > _LONG:
            return f"{quote(self.text[:_LONG])}..."
        return quote(self.text)


def is_alphanumeric(char: str) -> bool:
    """Return whether the character may stand in an identifier."""
    return char == "_" or char.isalpha() or char.isdecimal()


def describe_char(char: str) -> str:
    """Return a character as Go's `%#U` does: `U+0021 '!'`."""
    if not char:
        return "U+FFFFFFFFFFFFFFFF"
    return f"U+{ord(char):04X}" + (f" '{char}'" if printable(char) else "")


class _LexError(Exception):
    pass


class Lexer:
    """Splits the input; iterate over `tokens()`, which ends with an EOF or an ERROR token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pos = self._start = 0
        self._line = 1
        self._parens = 0

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens one by one, as the parser asks for them."""
        try:
            while self._pos < len(self._text):
                yield from self._outside()
                if self._pos < len(self._text):
                    yield from self._action()
            yield Token(Kind.EOF, self._pos, "EOF", self._line)
        except _LexError as error:
            yield Token(Kind.ERROR, self._start, str(error), self._line)

    def _take(self, kind: Kind, end: int) -> Token:
        text = self._text[self._start : end]
        token = Token(kind, self._start, text, self._line)
        self._skip_to(end)
        return token

    def _skip_to(self, end: int) -> None:
        self._line += self._text.count("\n", self._start, end)
        self._pos = self._start = end

    def _outside(self) -> Iterator[Token]:
        """Text up to the next action; comments are dropped."""
        while True:
            found = self._text.find("{{", self._pos)
            end = found if found >= 0 else len(self._text)
            trims = found >= 0 and self._text[found + 2 : found + 3] == "-" and self._blank(found + 3)
            kept = len(self._text[self._pos : end].rstrip(_SPACES)) + self._pos if trims else end
            if kept > self._pos:
                yield self._take(Kind.TEXT, kept)
            self._skip_to(end)
            if found < 0 or not _COMMENT.match(self._text, found):
                return
            self._comment()

    def _blank(self, at: int) -> bool:
        return self._text[at : at + 1] in {" ", "\t", "\r", "\n"}

    def _comment(self) -> None:
        opened = self._text.index("/*", self._pos)
        self._start = opened
        close = self._text.find("*/", opened + 2)
        if close < 0:
            raise _LexError("unclosed comment")
        right = _RIGHT_DELIM.match(self._text, close + 2)
        if right is None:
            raise _LexError("comment ends before closing delimiter")
        self._skip_to(self._after_right(right))

    def _after_right(self, right: re.Match[str]) -> int:
        end = right.end()
        if right["trim"]:
            end = len(self._text) - len(self._text[end:].lstrip(_SPACES))
        return end

    def _action(self) -> Iterator[Token]:
        yield self._take(Kind.LEFT_DELIM, self._pos + 2)
        if self._text[self._pos : self._pos + 1] == "-" and self._blank(self._pos + 1):
            self._skip_to(self._pos + 2)
        self._parens = 0
        while True:
            if right := _RIGHT_DELIM.match(self._text, self._pos):
                if self._parens:
                    raise _LexError("unclosed left paren")
                after = self._after_right(right)
                self._skip_to(right.end() - 2)
                yield self._take(Kind.RIGHT_DELIM, right.end())
                self._skip_to(after)
                return
            yield self._inside()

    def _inside(self) -> Token:
        char = self._text[self._pos : self._pos + 1]
        following = self._text[self._pos + 1 : self._pos + 2]
        if not char:
            raise _LexError("unclosed action")
        if char in _SPACES:
            token = self._space()
        elif char in _QUOTED:
            token = self._quoted(char)
        elif char == "$":
            token = self._word(Kind.VARIABLE)
        elif char == "." and following and not "0" <= following <= "9":
            token = self._word(Kind.FIELD)
        elif char in ".+-" or "0" <= char <= "9":
            token = self._number()
        elif is_alphanumeric(char):
            token = self._identifier()
        else:
            token = self._mark(char)
        return token

    def _quoted(self, mark: str) -> Token:
        pattern, kind, problem = _QUOTED[mark]
        if (match := pattern.match(self._text, self._pos)) is None:
            raise _LexError(problem)
        return self._take(kind, match.end())

    def _mark(self, char: str) -> Token:
        if char in _MARKS:
            return self._take(_MARKS[char], self._pos + 1)
        if char == ":":
            if self._text[self._pos + 1 : self._pos + 2] != "=":
                raise _LexError("expected :=")
            return self._take(Kind.DECLARE, self._pos + 2)
        if char == "(":
            self._parens += 1
            return self._take(Kind.LEFT_PAREN, self._pos + 1)
        if char == ")":
            self._parens -= 1
            if self._parens < 0:
                raise _LexError("unexpected right paren")
            return self._take(Kind.RIGHT_PAREN, self._pos + 1)
        if char.isascii() and char.isprintable():
            return self._take(Kind.CHAR, self._pos + 1)
        raise _LexError(f"unrecognized character in action: {describe_char(char)}")

    def _space(self) -> Token:
        end = self._pos + 1
        while self._blank(end):
            end += 1
        # The last space may belong to a right delimiter with a trim marker.
        if _RIGHT_DELIM.match(self._text, end - 1) and end - 1 > self._pos:
            end -= 1
        return self._take(Kind.SPACE, end)

    def _word(self, kind: Kind) -> Token:
        end = self._scan_word(self._pos + 1)
        if end == self._pos + 1:
            return self._take(Kind.VARIABLE if kind is Kind.VARIABLE else Kind.DOT, end)
        return self._take(kind, end)

    def _identifier(self) -> Token:
        end = self._scan_word(self._pos)
        word = self._text[self._pos : end]
        if word in {"true", "false"}:
            return self._take(Kind.BOOL, end)
        return self._take(_KEYWORDS.get(word, Kind.IDENTIFIER), end)

    def _scan_word(self, at: int) -> int:
        end = at
        while end < len(self._text) and is_alphanumeric(self._text[end]):
            end += 1
        following = self._text[end : end + 1]
        if following and following not in " \t\r\n.,|:)(" and not self._text.startswith("}}", end):
            raise _LexError(f"bad character {describe_char(following)}")
        return end

    def _number(self) -> Token:
        end = self._scan_number(self._pos)
        kind = Kind.NUMBER
        if self._text[end : end + 1] in {"+", "-"}:
            end = self._scan_number(end)
            if self._text[end - 1] != "i":
                raise _LexError(f"bad number syntax: {quote(self._text[self._pos : end])}")
            kind = Kind.COMPLEX
        return self._take(kind, end)

    def _scan_number(self, at: int) -> int:
        match = _NUMBER.match(self._text, at)
        end = match.end() if match else at
        following = self._text[end : end + 1]
        if following and is_alphanumeric(following):
            raise _LexError(f"bad number syntax: {quote(self._text[self._pos : end + 1])}")
        return end
