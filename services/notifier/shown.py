"""The configuration as it may be shown: as written, secrets hidden, and without what only Tocsin knows. Pure."""

from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, SecretStr

from services.common.yaml_source import Written

OWN: dict[str, Any] = {"tocsin": True}
"""`json_schema_extra` of a key that Alertmanager's programs don't know: amtool refuses a file with such keys."""
HIDDEN = "<secret>"
"""Alertmanager's own word, which its programs take for any secret."""


class _Dumper(yaml.SafeDumper):
    """Writes scalars without quotes where they stood so: amtool takes no "true" in quotes for a switch."""


def _as_it_stood(dumper: yaml.SafeDumper, text: Written) -> yaml.Node:
    tag: str = dumper.resolve(yaml.ScalarNode, str(text), (True, False))  # type: ignore[no-untyped-call]  # as typeshed has it
    return dumper.represent_scalar(tag, str(text))


_Dumper.add_representer(Written, _as_it_stood)


def shown(config: BaseModel, written: Any) -> str:
    """Return the file as YAML that amtool reads."""
    return yaml.dump(_masked(config, written), Dumper=_Dumper, sort_keys=False)


def _masked(value: Any, written: Any) -> Any:
    if isinstance(value, SecretStr):
        return _hidden(value.get_secret_value())
    if isinstance(value, BaseModel) and isinstance(written, dict):
        found = {}
        for name, info in type(value).model_fields.items():
            key = name if name in written else info.alias
            if key not in written or info.json_schema_extra == OWN:
                continue
            found[key] = _masked(getattr(value, name), written[key])
        return {key: found[key] for key in written if key in found}
    if isinstance(value, dict) and isinstance(written, dict) and value.keys() == written.keys():
        return {key: _masked(value[key], text) for key, text in written.items()}
    if isinstance(value, tuple) and isinstance(written, list) and len(value) == len(written):
        return [_masked(one, text) for one, text in zip(value, written, strict=True)]
    # A key that has no effect here may still hold another channel's secret.
    return HIDDEN if value is None and written not in (None, [], {}) else written


def _hidden(secret: str) -> str:
    if not secret.startswith(("http://", "https://")):
        return HIDDEN
    # amtool up to 0.25 takes no webhook's url that is none, so what is not secret of it stays.
    parts = urlsplit(secret)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/{HIDDEN}"
