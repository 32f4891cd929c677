"""Matchers of label sets, in Alertmanager's old and new forms."""

import re as _stdlib_re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import re2
from pydantic import BeforeValidator

_UNQUOTED_END = _stdlib_re.compile(r"[{}!=~,\\\"'`\s]")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Operator(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True)
class Matcher:
    """One condition on one label; a label that is absent counts as empty; regular expressions are anchored (RE2)."""

    name: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        pattern = None
        if self.operator in {Operator.REGEX, Operator.NOT_REGEX}:
            try:
                pattern = re2.compile(f"^(?:{self.value})$", _OPTIONS)
            except re2.error as error:
                raise ValueError(f"{self.value!r} is not a regular expression (RE2): {error}") from error
        object.__setattr__(self, "_pattern", pattern)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the label set fulfils the condition."""
        value = labels.get(self.name, "")
        pattern: Any = self._pattern  # type: ignore[attr-defined]  # set in __post_init__: no field, so it takes no part in ==
        if pattern is None:
            return (value == self.value) == (self.operator is Operator.EQUAL)
        return (pattern.fullmatch(value) is not None) == (self.operator is Operator.REGEX)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.operator.value}"{escaped}"'


def format_matchers(matchers: tuple[Matcher, ...]) -> str:
    """Return the canonical form, `{a="b",c=~"d"}`, sorted as Alertmanager sorts for its group keys."""
    ordered = sorted(
        matchers, key=lambda matcher: (matcher.name, matcher.value, list(Operator).index(matcher.operator))
    )
    return "{" + ",".join(map(str, ordered)) + "}"


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Parse `a="b"`, `a=~b.*, c!=d` or `{a="b"}`; values bare or quoted. Raises ValueError that shows the form."""
    inner = text.strip()
    if inner.startswith("{"):
        if not inner.endswith("}"):
            raise ValueError(f"{text!r}: braces don't match")
        inner = inner[1:-1]
    reader = _Reader(text, inner)
    found: list[Matcher] = []
    while not reader.at_end():
        found.append(reader.matcher())
        if not reader.at_end():
            reader.comma()
    if not found and not text.strip().startswith("{"):
        raise ValueError(f'{text!r} has no matcher; write it like severity="critical"')
    return tuple(found)


class _Reader:
    def __init__(self, whole: str, text: str) -> None:
        self._whole, self._text, self._at = whole, text, 0

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _fail(self, problem: str) -> ValueError:
        return ValueError(f'{self._whole!r}: {problem}; write matchers like severity="critical" or team=~"a|b"')

    def at_end(self) -> bool:
        self._skip()
        return self._at >= len(self._text)

    def comma(self) -> None:
        if self._text[self._at] != ",":
            raise self._fail(f"expected a comma, found {self._text[self._at :]!r}")
        self._at += 1

    def matcher(self) -> Matcher:
        name = self._word("a label name")
        self._skip()
        for operator in (Operator.REGEX, Operator.NOT_REGEX, Operator.NOT_EQUAL, Operator.EQUAL):
            if self._text.startswith(operator.value, self._at):
                self._at += len(operator.value)
                self._skip()
                return Matcher(name, operator, self._value())
        raise self._fail(f"expected =, !=, =~ or !~ after {name!r}")

    def _value(self) -> str:
        if self._text.startswith('"', self._at):
            return self._quoted()
        # A bare value goes up to a comma, so that old files' `team=~a|b` and `path=/x{y}` stay what they were.
        end = self._text.find(",", self._at)
        end = len(self._text) if end < 0 else end
        value, self._at = self._text[self._at : end].rstrip(), end
        if '"' in value:
            raise self._fail(f"a quote inside the bare value {value!r}")
        return value

    def _word(self, what: str) -> str:
        if self._text.startswith('"', self._at):
            return self._quoted()
        match = _UNQUOTED_END.search(self._text, self._at)
        end = match.start() if match else len(self._text)
        word, self._at = self._text[self._at : end], end
        if not word:
            raise self._fail(f"expected {what}")
        return word

    def _quoted(self) -> str:
        out: list[str] = []
        at = self._at + 1
        while at < len(self._text):
            char = self._text[at]
            if char == '"':
                self._at = at + 1
                return "".join(out)
            if char == "\\" and at + 1 < len(self._text):
                follow = self._text[at + 1]
                out.append(_ESCAPES.get(follow, "\\" + follow))
                at += 2
                continue
            out.append(char)
            at += 1
        raise self._fail("a quoted value does not end")


def _from_list(value: object) -> tuple[Matcher, ...]:
    if isinstance(value, tuple) and all(isinstance(item, Matcher) for item in value):
        return value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("matchers must be a list like ['severity=\"critical\"']")
    return tuple(matcher for item in value for matcher in parse_matchers(item))


def _from_mapping(operator: Operator) -> BeforeValidator:
    def read(value: object) -> tuple[Matcher, ...]:
        if isinstance(value, tuple) and all(isinstance(item, Matcher) for item in value):
            return value
        if not isinstance(value, dict):
            raise ValueError("must be a mapping of label names to values")  # noqa: TRY004 - pydantic takes ValueError
        # A value that is left out is the empty text, as in Go.
        return tuple(Matcher(name, operator, "" if text is None else str(text)) for name, text in value.items())

    return BeforeValidator(read)


MatcherList = Annotated[tuple[Matcher, ...], BeforeValidator(_from_list)]
"""`matchers:` of a route."""
EqualMap = Annotated[tuple[Matcher, ...], _from_mapping(Operator.EQUAL)]
"""`match:` of a route."""
RegexMap = Annotated[tuple[Matcher, ...], _from_mapping(Operator.REGEX)]
"""`match_re:` of a route."""
