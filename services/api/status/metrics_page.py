"""What a service's own `/metrics` says. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from services.api.status.model import Spread

_OURS = "tocsin_"
# Neither is shown, and the first is most of the page.
_SKIPPED = ("tocsin_http_request_duration_seconds",)


@dataclass(frozen=True)
class MetricsPage:
    """The samples of one page by their names."""

    samples: dict[str, list[Sample]]

    @classmethod
    def read(cls, text: str) -> "MetricsPage":
        """Read Tocsin's own metrics of the text format; raises ValueError for another form."""
        found: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families("\n".join(_own_lines(text)) + "\n"):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample)
        return cls(found)

    def all(self, name: str) -> list[Sample]:
        """Return all samples of a metric."""
        return self.samples.get(name, [])

    def total(self, name: str) -> float:
        """Return the sum over all labels; 0 for a metric that is not there."""
        return math.fsum(sample.value for sample in self.all(name))

    def spread(self, name: str) -> Spread | None:
        """Return count, median and 95th percentile of a histogram over all labels; None where there is none."""
        buckets: dict[float, float] = {}
        for sample in self.all(f"{name}_bucket"):
            edge = float(sample.labels["le"])
            buckets[edge] = buckets.get(edge, 0.0) + sample.value
        if not buckets:
            return None
        edges = sorted(buckets.items())
        return Spread(count=round(edges[-1][1]), p50=quantile(0.5, edges), p95=quantile(0.95, edges))


def _own_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        name = line.split(" ", 3)[2] if line.startswith("# ") and line.count(" ") > 1 else line
        if name.startswith(_OURS) and not name.startswith(_SKIPPED):
            yield line


def quantile(share: float, edges: list[tuple[float, float]]) -> float | None:
    """Return a quantile of cumulative buckets (upper edge, count), as Prometheus' `histogram_quantile` does.

    Within a bucket values count as evenly spread; beyond the last finite edge that edge is the answer.
    """
    if not edges or edges[-1][1] == 0:
        return None
    rank = share * edges[-1][1]
    lower, below = 0.0, 0.0
    for edge, count in edges:
        if count >= rank:
            if math.isinf(edge):
                return lower
            return lower + (edge - lower) * (rank - below) / (count - below) if count > below else edge
        lower, below = edge, count
    return lower
