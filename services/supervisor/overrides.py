"""`--set section.key=value`: single settings given on the command line."""

from collections.abc import Iterable
from typing import Any

import yaml

from services.common.config import ConfigError
from services.common.yaml_source import KeyPath


def parse_overrides(texts: Iterable[str]) -> dict[KeyPath, Any]:
    """Read `a.b=value` texts, each value as YAML; raises ConfigError."""
    return dict(_parse(text) for text in texts)


def _parse(text: str) -> tuple[KeyPath, Any]:
    name, equals, value = text.partition("=")
    path = tuple(name.strip().split("."))
    if not equals or not all(path):
        raise ConfigError(f"--set {text}: write it like --set api.listen=127.0.0.1:8081")
    try:
        return path, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: the value is not YAML: {error}") from error
