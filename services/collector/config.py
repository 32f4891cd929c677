"""The collector's section of tocsin.yml."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model, model_validator

from services.collector.probes.http import HttpModule
from services.collector.probes.websocket import WebSocketModule
from services.collector.sources import KINDS
from services.common.config import Listen, StrictModel
from services.common.durations import Duration

_PROBING = frozenset({"fastapi", "websocket", "http"})


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


class Module(StrictModel):
    """A named way to probe, for `/probe?target=…&module=NAME`."""

    http: HttpModule | None = None
    websocket: WebSocketModule | None = None
    timeout: Duration | None = None

    @model_validator(mode="after")
    def _one(self) -> "Module":
        if (self.http is None) == (self.websocket is None):
            raise ValueError("give either http or websocket")
        return self


def _default_modules() -> dict[str, Module]:
    return {"http_2xx": Module(http=HttpModule()), "websocket": Module(websocket=WebSocketModule())}


class ProbeConfig(StrictModel):
    """What `/probe` may reach: configured targets by name, and the addresses listed here."""

    modules: dict[str, Module] = Field(default_factory=_default_modules)
    allowed_targets: tuple[str, ...] = ()
    """URLs that may be probed: each whole, or with `/*` at its end for everything below it."""

    @model_validator(mode="after")
    def _bounded(self) -> "ProbeConfig":
        for pattern in self.allowed_targets:
            _, found, rest = pattern.partition("://")
            host = rest.partition("/")[0]
            if not found or not host or "@" in host or "*" in host or "*" in pattern.removesuffix("/*"):
                raise ValueError(f"{pattern!r} is too wide; write scheme, host and port in full, like http://shop:80/*")
        return self

    def allows(self, url: str) -> bool:
        """Tell whether a URL may be probed."""
        return any(
            url == pattern or (pattern.endswith("/*") and url.startswith(pattern[:-1]))
            for pattern in self.allowed_targets
        )


class CollectorConfig(StrictModel):
    """Where it listens and what it watches."""

    listen: Listen = "127.0.0.1:9700"
    open_metrics: bool = False
    """Answer /metrics without the service token also when not listening on loopback."""
    scrape_timeout: Duration = Field(default=10.0, gt=0)
    """For a scraper that does not say its own in X-Prometheus-Scrape-Timeout-Seconds."""
    targets: Targets = Field(default_factory=Targets)
    probe: ProbeConfig = Field(default_factory=ProbeConfig)
