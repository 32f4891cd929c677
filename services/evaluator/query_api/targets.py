"""`/api/v1/targets` and `/api/v1/scrape_pools`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from services.common.durations import format_duration
from services.evaluator.fallback import rfc3339
from services.evaluator.query_api.encode import success
from services.evaluator.query_api.params import Params, bad, quoted
from services.evaluator.scrape.loop import TargetLoop
from services.evaluator.scrape.manager import ScrapeManager


class TargetRoutes:
    """Tells whom we scrape and how it went."""

    def __init__(self, scrapes: ScrapeManager) -> None:
        self._scrapes = scrapes

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/v1/targets", self._targets), web.get("/api/v1/scrape_pools", self._pools)]

    async def _pools(self, _request: web.Request) -> web.Response:
        return success({"scrapePools": self._scrapes.pools})

    async def _targets(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        state, pool = params.text("state").lower(), params.text("scrapePool")
        if state not in {"", "any", "active", "dropped"}:
            raise bad("state", f"not supported value {quoted(state)}; give active, dropped or any")
        active, dropped = state in {"", "any", "active"}, state in {"", "any", "dropped"}
        loops = [loop for loop in self._scrapes.loops if not pool or loop.target.job == pool]
        lost = [(job, one) for job, one in self._scrapes.dropped if not pool or job == pool]
        return success({
            "activeTargets": [self._active(loop) for loop in loops] if active else [],
            "droppedTargets": [
                {"discoveredLabels": _given(one.discovered), "scrapePool": job,
                 **({"tocsin": {"reason": one.reason}} if one.reason else {})}
                for job, one in lost
            ] if dropped else [],
            "droppedTargetCounts": {**dict.fromkeys(self._scrapes.pools, 0), **Counter(job for job, _ in lost)},
        })  # fmt: skip

    def _active(self, loop: TargetLoop) -> dict[str, Any]:
        status, target = loop.status, loop.target
        return {
            "discoveredLabels": _given(self._scrapes.discovered_labels(loop)),
            "labels": dict(target.labels),
            "scrapePool": target.job,
            "scrapeUrl": target.url,
            "globalUrl": target.url,
            "lastError": status.last_error,
            "lastScrape": rfc3339(status.last_scrape),
            "lastScrapeDuration": status.last_duration,
            "health": status.health,
            "scrapeInterval": format_duration(target.interval),
            "scrapeTimeout": format_duration(target.timeout),
            **({"tocsin": {"seriesLeftOut": status.left_out}} if status.left_out else {}),
        }


def _given(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}
