"""From target groups to targets: labels, address, path and timing after relabelling."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from services.common.durations import format_duration, parse_duration
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.relabel import relabel

PHASES = 8
"""So many moments of an interval are there to scrape at."""


@dataclass(frozen=True)
class TargetGroup:
    """Addresses that share labels, from one source of discovery."""

    targets: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Target:
    """One thing to scrape; equal targets are the same scrape loop."""

    job: str
    url: str
    labels: tuple[tuple[str, str], ...]
    interval: float
    timeout: float

    @property
    def key(self) -> str:
        """A text that is this target's own: its job, labels and URL."""
        return f"{self.job}\xff{self.url}\xff" + "\xff".join(f"{name}={value}" for name, value in self.labels)

    def offset(self, interval: float) -> float:
        """Return the target's phase within the interval, in seconds: spread, and the same after a restart.

        Phases are slots: what is scraped together finds code and caches warm, which halves the cost (docs/adr/0071).
        """
        digest = hashlib.blake2b(self.key.encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") % PHASES + 0.5) / PHASES * interval


@dataclass(frozen=True)
class Discovered:
    """What one address came to: a target with the labels it was found with, or the reason it is not scraped."""

    discovered: Mapping[str, str]
    target: Target | None
    reason: str = ""


def build_targets(config: ScrapeConfig, groups: Sequence[TargetGroup]) -> list[Discovered]:
    """Return every address of the groups with what relabelling made of it; the same target comes once only."""
    found: list[Discovered] = []
    seen: set[str] = set()
    for group in groups:
        for address in group.targets:
            item = _build(config, {**group.labels, "__address__": address})
            if item.target is not None:
                if item.target.key in seen:
                    continue
                seen.add(item.target.key)
            found.append(item)
    return found


def _build(config: ScrapeConfig, labels: dict[str, str]) -> Discovered:
    interval_s, timeout_s = config.timing()
    before = {
        "job": config.job_name,
        "__scheme__": config.scheme,
        "__metrics_path__": config.metrics_path,
        "__scrape_interval__": format_duration(interval_s),
        "__scrape_timeout__": format_duration(timeout_s),
        **{f"__param_{name}": values[0] for name, values in config.params.items() if values},
        **labels,
    }
    after = relabel(before, config.relabel_configs)
    if after is None:
        return Discovered(before, None)
    if not after.get("__address__"):
        return Discovered(before, None, "no address: relabelling removed __address__")
    try:
        interval = parse_duration(after["__scrape_interval__"])
        timeout = parse_duration(after["__scrape_timeout__"])
    except (KeyError, ValueError) as error:
        return Discovered(before, None, f"__scrape_interval__ or __scrape_timeout__ is not a duration: {error}")
    if not 0 < timeout <= interval:
        return Discovered(before, None, "__scrape_timeout__ must be above 0 and not longer than __scrape_interval__")
    public = {name: value for name, value in after.items() if not name.startswith("__")}
    public.setdefault("instance", after["__address__"])
    url = _url(config, after)
    return Discovered(before, Target(config.job_name, url, tuple(sorted(public.items())), interval, timeout))


def _url(config: ScrapeConfig, labels: Mapping[str, str]) -> str:
    params: dict[str, list[str]] = {name: list(values) for name, values in config.params.items()}
    for name, value in labels.items():
        if name.startswith("__param_"):
            key = name.removeprefix("__param_")
            params[key] = [value, *params.get(key, [])[1:]]
    query = urlencode(sorted(params.items()), doseq=True)
    path = labels.get("__metrics_path__", "/metrics")
    path = path if path.startswith("/") else f"/{path}"
    base = f"{labels.get('__scheme__', 'http')}://{labels['__address__']}{path}"
    return f"{base}{'&' if '?' in path else '?'}{query}" if query else base
