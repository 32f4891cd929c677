"""What the head keeps, and for how long: what the rules ask, or what the configuration says."""

from collections.abc import Sequence

from services.evaluator.config import EvaluatorConfig
from services.evaluator.head import Head
from services.evaluator.rules.manager import Needs
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.loop import REPORT_NAMES
from services.evaluator.telemetry import HeadTelemetry

LEAST_SECONDS = 1800.0
"""So much is there for the dashboard's sparklines, whatever the rules ask."""
_ALWAYS = frozenset({*REPORT_NAMES, "ALERTS", "ALERTS_FOR_STATE"})


class Retention:
    """Brings the head in line with the rules in force."""

    def __init__(self, head: Head, telemetry: HeadTelemetry) -> None:
        self._head, self._telemetry = head, telemetry
        self._names: frozenset[str] | None = None
        self.seconds = 0.0

    def adapt(self, needs: Needs, config: EvaluatorConfig, jobs: Sequence[ScrapeConfig]) -> None:
        """Set names and time; the head looks at its targets anew only where the names have changed."""
        slack = 2 * max((job.scrape_interval or 0.0 for job in jobs), default=config.global_.scrape_interval)
        asked = needs.seconds + config.query.lookback_delta + slack
        self.seconds = config.retention if config.retention is not None else max(asked, LEAST_SECONDS)
        self._head.set_retention(self.seconds)
        names = None if needs.names is None or config.retain == "all" else needs.names | _ALWAYS
        if names != self._names:
            self._names = names
            self._head.keep = None if names is None else names.__contains__

    def keep_house(self, now_ms: int) -> None:
        """Drop what is old and tell the figures."""
        self._head.prune(now_ms)
        stats = self._head.stats()
        self._telemetry.series.set(stats.series)
        self._telemetry.samples.set(stats.samples)
        self._telemetry.targets.set(stats.targets)
        self._telemetry.bytes.set(stats.bytes)
        self._telemetry.set_rejected(stats.rejected)
