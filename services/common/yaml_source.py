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


def read_yaml(path: Path) -> YamlSource:
    """Read and parse a file; raises YamlError, also for a file that can't be opened or is not UTF-8."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise YamlError(str(path), 1, 1, f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise YamlError(str(path), 1, 1, f"is not UTF-8 (byte {error.start})") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> YamlSource:
    """Parse one document; raises YamlError for bad syntax, doubled keys, keys that are not text, and tags."""
    positions: dict[KeyPath, tuple[int, int]] = {}
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        data = None if node is None else _construct(loader, node, (), positions, file, frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(file, line, column, error.problem or str(error)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(file, 1, 1, str(error) or "is nested too deeply") from error
    finally:
        loader.dispose()
    return YamlSource(file, data, positions)


def _construct(
    loader: yaml.CSafeLoader,
    node: yaml.Node,
    path: KeyPath,
    positions: dict[KeyPath, tuple[int, int]],
    file: str,
    parents: frozenset[int],
) -> Any:
    positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if id(node) in parents:
        raise YamlError(file, *positions[path], "an alias that contains itself")
    inside = parents | {id(node)}
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError(file, *at, "a key must be text")
            key = key_node.value
            if key in mapping:
                raise YamlError(file, *at, f"key {key!r} stands twice")
            positions[(*path, key)] = at
            mapping[key] = _construct(loader, value_node, (*path, key), positions, file, inside)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*path, index), positions, file, inside) for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)
