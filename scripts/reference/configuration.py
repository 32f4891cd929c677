"""The page of all settings, from the configuration models."""

import ast
import inspect
import itertools
import textwrap
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from demo.config import DemoConfig
from scripts.reference.table import NOTE, table
from services.api.config import ApiConfig
from services.collector.config import CollectorConfig
from services.common.config import Shared
from services.common.durations import Duration, format_duration
from services.evaluator.config import EvaluatorConfig
from services.notifier.config import NotifierConfig

_DURATION = typing.get_args(Duration)[1:]
_ABOUT = """All keys of `tocsin.yml`. Durations are written like `30s`, `5m` or `1h30m`; addresses to listen on like
`127.0.0.1:9700`; `${NAME}` stands for a variable of the environment; relative paths start at the file's folder. Any key
can be set on the command line: `--set api.listen=127.0.0.1:8081`.
"""
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", SecretStr: "secret"}
_SECTIONS: Mapping[str, type[BaseModel]] = {
    "collector": CollectorConfig,
    "evaluator": EvaluatorConfig,
    "notifier": NotifierConfig,
    "api": ApiConfig,
    "demo": DemoConfig,
}


def configuration_page() -> str:
    """Return the page: a table for the shared keys and one for each model that the sections use."""
    parts = [
        NOTE,
        "# Settings\n",
        _ABOUT,
        "## Shared keys\n",
        _table(Shared),
    ]
    shown: set[type[BaseModel]] = set()
    parts += _nested(Shared, shown)
    for name, model in _SECTIONS.items():
        parts += [f"## `{name}:`\n", _table(model)]
        parts += _nested(model, shown)
    return "\n".join(parts)


def _nested(model: type[BaseModel], shown: set[type[BaseModel]]) -> Iterator[str]:
    for field in model.model_fields.values():
        for used in _models(field.annotation):
            if used not in shown:
                shown.add(used)
                yield f"### {used.__name__}\n"
                yield f"{(inspect.getdoc(used) or '').partition(chr(10) * 2)[0]}\n"
                yield _table(used)
                yield from _nested(used, shown)


def _table(model: type[BaseModel]) -> str:
    docs = _docstrings(model)
    return table(
        ("key", "type", "default", ""),
        [
            (f"`{field.alias or name}`", _type(field), _default(field), field.description or docs.get(name, ""))
            for name, field in model.model_fields.items()
        ],
    )


@cache
def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the texts that stand under the fields, of the model and of what it inherits from."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind is BaseModel:
            continue
        try:
            source = inspect.getsource(kind)
        except (OSError, TypeError):
            continue  # Made by create_model: it has no text of its own.
        definition = ast.parse(textwrap.dedent(source)).body[0]
        statements = definition.body if isinstance(definition, ast.ClassDef) else []
        for statement, following in itertools.pairwise(statements):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                found[statement.target.id] = str(following.value.value)
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _type(field: FieldInfo) -> str:
    if any(part in field.metadata for part in _DURATION if not isinstance(part, FieldInfo)):
        return "duration"
    return _name(field.annotation)


def _name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None:
        return _composed(origin, arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    named = "anything" if annotation is Any else str(getattr(annotation, "__name__", annotation))
    return _SIMPLE.get(annotation, named)


def _composed(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is typing.Annotated:
        duration = any(part in arguments[1:] for part in _DURATION)
        return "duration" if duration else _name(arguments[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in {list, tuple, set, frozenset}:
        return f"list of {_name(arguments[0])}"
    if origin in {dict, Mapping}:
        return f"map of {_name(arguments[1])}"
    return " or ".join(_name(part) for part in arguments if part is not type(None))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, (SecretStr, BaseModel)):
        return ""
    if isinstance(value, dict):
        return ", ".join(f"`{key}`" for key in value)
    if isinstance(value, (list, tuple, frozenset, set)):
        return ", ".join(f"`{getattr(item, 'value', item)}`" for item in value)
    text = format_duration(value) if _type(field) == "duration" else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`" if text else ""
