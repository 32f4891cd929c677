"""Named ways to probe, for `/probe?target=…&module=NAME`: blackbox_exporter's modules, read unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, create_model, model_validator

from services.collector.probes import PROBERS, Prober
from services.collector.probes.unsupported import UnsupportedError
from services.common.config import ConfigError, StrictModel, validate
from services.common.durations import Duration
from services.common.yaml_source import YamlError, YamlSource, read_yaml

_BY_KEY = {prober.key: prober for prober in PROBERS}
_REFUSED = {
    "grpc": "use prober tcp for the port, or http for a health page",
    "unix": "probe the server by its port with prober tcp",
}


class ModuleBase(StrictModel):
    """A prober's keys under its own name, as in blackbox.yml; `prober` may be left out where they are given."""

    prober: str
    timeout: Duration | None = Field(default=None, gt=0)
    attempts: int = Field(default=1, ge=1, le=10)
    """Ours: how often to try before the probe has failed."""

    @model_validator(mode="before")
    @classmethod
    def _which(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        sections = [key for key in data if key in _BY_KEY or key in _REFUSED]
        prober = data.get("prober") or (sections[0] if len(sections) == 1 else None)
        if prober in _REFUSED:
            raise UnsupportedError(f"prober {prober} is not supported: {_REFUSED[prober]}")
        if prober not in _BY_KEY:
            raise ValueError(f"give a prober: one of {', '.join(_BY_KEY)}")
        if strange := [key for key in sections if key != prober]:
            raise ValueError(f"section {strange[0]} has no effect on prober {prober}; take it out")
        return {**data, "prober": prober, prober: data.get(prober) or {}}

    @property
    def tool(self) -> Prober:
        """The prober."""
        return _BY_KEY[self.prober]

    @property
    def settings(self) -> StrictModel:
        """The prober's keys."""
        found: StrictModel = getattr(self, self.prober)
        return found


if TYPE_CHECKING:
    Module = ModuleBase
else:
    Module = create_model(
        "Module", __base__=ModuleBase, **{prober.key: (prober.model | None, None) for prober in PROBERS}
    )


class _BlackboxFile(StrictModel):
    modules: dict[str, Module] = Field(default_factory=dict)


@dataclass(frozen=True)
class ModuleSet:
    """The modules in force by name, and of a blackbox.yml those that are refused: each with its place and why."""

    by_name: Mapping[str, Module]
    refused: Mapping[str, str] = field(default_factory=dict)


def read_blackbox(path: Path) -> ModuleSet:
    """Return the modules of a blackbox.yml; raises ConfigError with file and line of each mistake.

    A module that asks for what blackbox_exporter can do and we can not is refused by itself: the others of a file that
    works there work here too.
    """
    try:
        source: YamlSource = read_yaml(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    data, refused = source.data or {}, dict[str, str]()
    if isinstance(data, dict) and isinstance(data.get("modules"), dict):
        refused = {str(name): why for name, one in data["modules"].items() if (why := _unsupported(source, name, one))}
        data = {**data, "modules": {name: one for name, one in data["modules"].items() if str(name) not in refused}}
    return ModuleSet(dict(validate(_BlackboxFile, data, source, ()).modules), refused)


def _unsupported(source: YamlSource, name: Any, data: Any) -> str:
    try:
        Module.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors()
        if all(isinstance(mistake.get("ctx", {}).get("error"), UnsupportedError) for mistake in mistakes):
            return str(source.error(("modules", name, *mistakes[0]["loc"]), str(mistakes[0]["ctx"]["error"])))
    return ""


def default_modules() -> dict[str, Module]:
    """Return the modules that are there without being configured."""
    texts: dict[str, dict[str, Any]] = {
        "http_2xx": {"prober": "http"},
        "http_post_2xx": {"prober": "http", "http": {"method": "POST"}},
        "websocket": {"prober": "websocket"},
        "tcp_connect": {"prober": "tcp"},
        "tls": {"prober": "tls"},
        "icmp": {"prober": "icmp"},
    }
    return {name: Module.model_validate(text) for name, text in texts.items()}
