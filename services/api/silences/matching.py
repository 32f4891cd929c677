"""Whom matchers cover, as Alertmanager tells it: a label that is missing is an empty one. Pure."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal, TypeAlias

import re2
from pydantic import Field

from services.api.model import Answer

Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Matcher(Answer):
    """One condition on a label; regular expressions (RE2) must fit the whole value."""

    name: str = Field(min_length=1, max_length=200)
    op: Operator
    value: Text


@functools.lru_cache(maxsize=4096)
def _fits(pattern: str) -> Callable[[str], object]:
    fits: Callable[[str], object] = re2.compile(pattern, _OPTIONS).fullmatch
    return fits


def check_regex(pattern: str) -> str:
    """Return why a pattern can't be used, "" when it can."""
    try:
        _fits(pattern)
    except re2.error as error:
        text = error.args[0] if error.args else error
        return text.decode() if isinstance(text, bytes) else str(text)
    return ""


def matches(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    """Tell whether one condition holds."""
    value = labels.get(matcher.name, "")
    if matcher.op in {"=", "!="}:
        return (value == matcher.value) == (matcher.op == "=")
    return (_fits(matcher.value)(value) is not None) == (matcher.op == "=~")


def covers(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Tell whether all conditions hold."""
    return all(matches(matcher, labels) for matcher in matchers)
