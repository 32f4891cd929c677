"""YAML with positions, so that every complaint names file and line."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

KeyPath: TypeAlias = tuple[str | int, ...]


class YamlError(ValueError):
    """A document that can't be read: `str()` is `file:line:column: what is wrong`."""

    def __init__(self, file: str, line: int, column: int, problem: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {problem}")
        self.file, self.line, self.column, self.problem = file, line, column, problem


class Written(str):
    """The text of a scalar that YAML takes for something else than text: `yes`, `1.50`, `2020-01-01`."""

    __slots__ = ()

    def typed(self) -> Any:
        """Return what YAML takes it for."""
        return yaml.safe_load(self)


@dataclass(frozen=True)
class YamlSource:
    """A parsed document and where each of its keys and items stands (1-based lines and columns)."""

    file: str
    data: Any
    positions: dict[KeyPath, tuple[int, int]] = field(repr=False)

    def position(self, path: KeyPath) -> tuple[int, int]:
        """Return line and column of the path, or of its nearest parent that the file has."""
        for length in range(len(path), -1, -1):
            if found := self.positions.get(path[:length]):
                return found
        return (1, 1)

    def error(self, path: KeyPath, problem: str) -> YamlError:
        """Return an error that points at that path."""
        return YamlError(self.file, *self.position(path), problem)


def read_yaml(path: Path, *, as_written: bool = False) -> YamlSource:
    """Read and parse a file; raises YamlError, also for a file that can't be opened or is not UTF-8.

    `as_written`: see `parse_yaml`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise YamlError(str(path), 1, 1, f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise YamlError(str(path), 1, 1, f"is not UTF-8 (byte {error.start})") from error
    return parse_yaml(text, str(path), as_written=as_written)


def parse_yaml(text: str, file: str, *, as_written: bool = False) -> YamlSource:
    """Parse one document; raises YamlError for bad syntax, doubled keys, keys that are not text, and tags.

    `as_written` leaves scalars the text that they are (`yes`, `1.50`, `2020-01-01`), but null: so does Go's yaml where
    a program asks for text.
    """
    positions: dict[KeyPath, tuple[int, int]] = {}
    read = _Reading(positions, file, as_written)
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        data = None if node is None else _construct(loader, node, (), read, frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(file, line, column, error.problem or str(error)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(file, 1, 1, str(error) or "is nested too deeply") from error
    finally:
        loader.dispose()
    return YamlSource(file, data, positions)


@dataclass(frozen=True)
class _Reading:
    positions: dict[KeyPath, tuple[int, int]]
    file: str
    as_written: bool


def _construct(
    loader: yaml.CSafeLoader, node: yaml.Node, path: KeyPath, read: _Reading, parents: frozenset[int]
) -> Any:
    read.positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if id(node) in parents:
        raise YamlError(read.file, *read.positions[path], "an alias that contains itself")
    inside = parents | {id(node)}
    if isinstance(node, yaml.MappingNode):
        _merge(loader, node, read.file)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            read.positions[(*path, key)] = _place(key_node)
            mapping[key] = _construct(loader, value_node, (*path, key), read, inside)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, (*path, index), read, inside) for index, item in enumerate(node.value)]
    if read.as_written and node.tag in _PLAIN:
        return Written(node.value)
    return loader.construct_object(node, deep=True)


_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp"))
_MERGE = "tag:yaml.org,2002:merge"


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _merge(loader: yaml.CSafeLoader, node: yaml.MappingNode, file: str) -> None:
    """Take in what `<<` names, below the mapping's own keys; raises YamlError for a key that stands twice."""
    own: set[str] = set()
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlError(file, *_place(key_node), "a key must be text")
        if key_node.tag == _MERGE:
            continue
        if key_node.value in own:
            raise YamlError(file, *_place(key_node), f"key {key_node.value!r} stands twice")
        own.add(key_node.value)
    loader.flatten_mapping(node)
    # The last of equal keys counts: the mapping's own come after those merged in.
    node.value = list({key_node.value: (key_node, value_node) for key_node, value_node in node.value}.values())
