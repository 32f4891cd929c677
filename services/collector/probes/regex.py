"""Regular expressions in RE2's syntax, as blackbox_exporter's Go has them: no pattern can take exponential time."""

from functools import lru_cache
from typing import Annotated, Any

import re2
from pydantic import AfterValidator


def _options() -> Any:
    options = re2.Options()
    # The library would write a line of its own to stderr; the error that is raised says the same.
    options.log_errors = False
    return options


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Return the compiled pattern; raises ValueError that names what is wrong in it."""
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        text = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression of RE2: {text}") from error


def matches(pattern: str, text: str) -> bool:
    """Tell whether the pattern is found anywhere in the text."""
    return compiled(pattern).search(text) is not None


def check_pattern(text: str) -> str:
    """Return the pattern if it compiles."""
    compiled(text)
    return text


Pattern = Annotated[str, AfterValidator(check_pattern)]


def expand(template: str, match: Any) -> str:
    """Return the template with `$1`, `${1}` and `${name}` replaced by the match's groups, as Go's Expand does.

    A group that does not exist is empty; `$$` is a dollar sign.
    """
    return str(_REFERENCE.sub(lambda found: _group(found, match), template))


_REFERENCE = re2.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def _group(found: Any, match: Any) -> str:
    if found.group(1):
        return "$"
    name = found.group(2) or found.group(3)
    try:
        value = match.group(int(name) if name.isdigit() else name)
    except (IndexError, KeyError, re2.error):
        return ""
    return value or ""
