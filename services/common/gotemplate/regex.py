"""Regular expressions by RE2, with the messages and the replacement syntax of Go's regexp."""

import re
from functools import lru_cache
from typing import Any

import re2

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.limits import check_size
from services.common.gotemplate.quoting import can_backquote, quote, to_bytes

# What RE2 calls a mistake, and what Go does.
_MESSAGES = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
}
_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z0-9_]+)\}|(?P<bare>[A-Za-z0-9_]+))")
_CACHE_SIZE = 512
REPLACE_COST = 1024
"""Steps for 256 characters of a replacement: each of them may be a match."""
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def _utf8(text: str) -> str:
    return to_bytes(text).decode("utf-8", "replace")


@lru_cache(_CACHE_SIZE)
def _compile(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        message = error.args[0] if error.args else b""
        problem, _, part = (message.decode() if isinstance(message, bytes) else str(message)).partition(": ")
        if problem.startswith("trailing \\"):
            problem, part = "trailing backslash at end of expression", ""
        raise FunctionError(f"error parsing regexp: {_MESSAGES.get(problem, problem)}: `{part}`") from None


def matches(pattern: str, text: str) -> bool:
    """Return whether the pattern is found anywhere in the text; raises FunctionError for a bad pattern."""
    return _compile(_utf8(pattern)).search(_utf8(text)) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Return the text with all matches replaced; `$1`, `${1}`, `$name` and `$$` stand for groups and a dollar.

    Raises FunctionError for a bad pattern.
    """
    pattern, text = _utf8(pattern), _utf8(text)
    try:
        compiled = _compile(pattern)
    except FunctionError as error:
        shown = f"`{pattern}`" if can_backquote(pattern) else quote(pattern)
        raise FunctionError(f"regexp: Compile({shown}): {error}") from None
    parts: list[str] = []
    size, end = 0, 0
    for match in compiled.finditer(text):
        # Go replaces no empty match right after another match.
        if parts and match.end() == end:
            continue
        parts += (text[end : match.start()], _expand(replacement, match, compiled))
        size += len(parts[-1]) + len(parts[-2])
        check_size(size)
        end = match.end()
    return "".join(parts) + text[end:]


def _expand(replacement: str, match: Any, compiled: Any) -> str:
    def group(reference: re.Match[str]) -> str:
        name = reference["braced"] or reference["bare"]
        if name is None:
            return "$"
        if name.isdecimal():
            number = int(name) if len(name) < 4 else compiled.groups + 1  # noqa: PLR2004 (RE2 has no thousand groups)
            return (match.group(number) or "") if number <= compiled.groups else ""
        return (match.group(name) or "") if name in compiled.groupindex else ""

    return _REFERENCE.sub(group, replacement)
