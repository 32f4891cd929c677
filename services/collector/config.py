"""The collector's section of tocsin.yml."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, create_model, model_validator

from services.collector.allow import allows, check_allowed
from services.collector.probes import PROBERS
from services.collector.probes.modules import Module, ModuleSet, default_modules, read_blackbox
from services.collector.probes.names import parse_server
from services.collector.sources import KINDS
from services.common.config import Listen, StrictModel
from services.common.durations import Duration

_PROBING = frozenset({"fastapi", *(prober.key for prober in PROBERS)})


def _check_server(text: str) -> str:
    parse_server(text)
    return text


class TargetLists(StrictModel):
    """One list of targets per kind; the fields come from the registry."""

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Return (kind, target) of all configured targets, in the order of the registry."""
        for kind in KINDS:
            for target in getattr(self, kind.key):
                yield kind.key, target

    @model_validator(mode="after")
    def _distinct(self) -> "TargetLists":
        seen: dict[tuple[str, str], str] = {}
        for key, target in self.pairs():
            # These kinds write the same probe_* metrics: one name in two of them would be one series with two values.
            space = "probe" if key in _PROBING else key
            other = seen.setdefault((space, target.name), key)
            if other != key:
                raise ValueError(f"name {target.name!r} stands in {other} and in {key}; choose another in one of them")
            if seen.setdefault((f"only {key}", target.name), str(id(target))) != str(id(target)):
                raise ValueError(f"name {target.name!r} stands twice in {key}; choose another for one of them")
        return self


if TYPE_CHECKING:
    Targets = TargetLists
else:
    Targets = create_model(
        "Targets", __base__=TargetLists, **{kind.key: (tuple[kind.model, ...], ()) for kind in KINDS}
    )


class ProbeConfig(StrictModel):
    """What `/probe` may reach: configured targets by name, and the addresses listed here."""

    modules: dict[str, Module] = Field(default_factory=default_modules)
    config_file: Path | None = None
    """A blackbox.yml; its modules are added, and read again at a reload."""
    allowed_targets: tuple[Annotated[str, AfterValidator(check_allowed)], ...] = ()
    """What may be probed: URLs, each whole or with `/*` at its end for everything below it; `host:port`; networks."""
    dns_servers: tuple[Annotated[str, AfterValidator(_check_server)], ...] = ()
    """Name servers (`address` or `address:port`) for the names of probed targets, in place of the system's."""

    def allows(self, target: str) -> bool:
        """Tell whether a target may be probed."""
        return any(allows(pattern, target) for pattern in self.allowed_targets)

    def all_modules(self, base: Path) -> ModuleSet:
        """Return the modules, those of `config_file` too; raises ConfigError."""
        if self.config_file is None:
            return ModuleSet(self.modules)
        found = read_blackbox(base / self.config_file)
        return ModuleSet({**self.modules, **found.by_name}, found.refused)


class CollectorConfig(StrictModel):
    """Where it listens and what it watches."""

    listen: Listen = "127.0.0.1:9700"
    open_metrics: bool = False
    """Answer /metrics without the service token also when not listening on loopback."""
    web_config_file: Path | None = None
    """exporter-toolkit's web configuration file: TLS, basic auth, headers, rate limit; read again when it changes."""
    scrape_timeout: Duration = Field(default=10.0, gt=0)
    """For a scraper that does not say its own in X-Prometheus-Scrape-Timeout-Seconds."""
    targets: Targets = Field(default_factory=Targets)
    probe: ProbeConfig = Field(default_factory=ProbeConfig)
