"""Relabelling as Prometheus does it (model/relabel): all actions, RE2 patterns anchored at both ends."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import re2
from pydantic import Field, field_validator, model_validator

from services.evaluator.go_form import GoForm

_OPTIONS = re2.Options()
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False
Action = Literal["replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep",
                 "lowercase", "uppercase"]  # fmt: skip
_NEEDS_TARGET = {"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"}
_GROUP = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)


class RelabelConfig(GoForm):
    """One step; the defaults are Prometheus'."""

    source_labels: list[str] = Field(default_factory=list)
    separator: str = ";"
    regex: str = "(.*)"
    modulus: int = Field(default=0, ge=0)
    target_label: str = ""
    replacement: str = "$1"
    action: Action = "replace"

    @field_validator("action", mode="before")
    @classmethod
    def _any_case(cls, action: object) -> object:
        return action.lower() if isinstance(action, str) else action

    @field_validator("regex", mode="before")
    @classmethod
    def _compiles(cls, regex: object) -> object:
        text = str(regex) if isinstance(regex, int | float) else regex
        try:
            _compiled(str(text))
        except re2.error as error:
            raise ValueError(f"{text!r} is not an RE2 pattern: {error}") from error
        return text

    @model_validator(mode="after")
    def _complete(self) -> "RelabelConfig":
        if self.action in _NEEDS_TARGET and not self.target_label:
            raise ValueError(f"action {self.action} needs target_label")
        if self.action == "hashmod" and not self.modulus:
            raise ValueError("action hashmod needs modulus, a number above 0")
        return self


def relabel(labels: Mapping[str, str], steps: Sequence[RelabelConfig]) -> dict[str, str] | None:
    """Return the labels after all steps, without empty ones; None when a step drops them."""
    result = {name: value for name, value in labels.items() if value}
    for step in steps:
        if not _apply(step, result):
            return None
    return {name: value for name, value in result.items() if value}


def _apply(step: RelabelConfig, labels: dict[str, str]) -> bool:
    match step.action:
        case "labelmap":
            mapped = ((name, _compiled(step.regex).fullmatch(name), value) for name, value in labels.items())
            labels.update({_expand(found, step.replacement): value for _, found, value in list(mapped) if found})
        case "labeldrop" | "labelkeep":
            keep = step.action == "labelkeep"
            for name in [n for n in labels if (_compiled(step.regex).fullmatch(n) is not None) != keep]:
                del labels[name]
        case _:
            return _apply_value(step, labels)
    return True


def _apply_value(step: RelabelConfig, labels: dict[str, str]) -> bool:
    value = step.separator.join(labels.get(name, "") for name in step.source_labels)
    match step.action:
        case "keep":
            return _compiled(step.regex).fullmatch(value) is not None
        case "drop":
            return _compiled(step.regex).fullmatch(value) is None
        case "keepequal":
            return labels.get(step.target_label, "") == value
        case "dropequal":
            return labels.get(step.target_label, "") != value
        case "hashmod":
            digest = hashlib.md5(value.encode(), usedforsecurity=False).digest()
            _set(labels, step.target_label, str(int.from_bytes(digest[8:], "big") % step.modulus))
        case "lowercase":
            _set(labels, step.target_label, value.lower())
        case "uppercase":
            _set(labels, step.target_label, value.upper())
        case _:
            _replace(step, labels, value)
    return True


def _replace(step: RelabelConfig, labels: dict[str, str], value: str) -> None:
    found = _compiled(step.regex).fullmatch(value)
    if found is None:
        return
    target = _expand(found, step.target_label)
    if target:
        _set(labels, target, _expand(found, step.replacement))


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _expand(found: Any, template: str) -> str:
    """Return the template with `$1`, `${1}`, `$name` and `$$` filled in, as Go's Regexp.Expand; unknown ones empty."""

    def fill(reference: "re.Match[str]") -> str:
        name = reference.group(1) or reference.group(2)
        if name is None:
            return "$"
        try:
            return found.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError, re2.error):
            return ""

    return _GROUP.sub(fill, template) if "$" in template else template
