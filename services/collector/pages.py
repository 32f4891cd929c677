"""The collector's HTTP pages: `/metrics`, `/metrics/<kind>`, `/probe`, and the landing page."""

import asyncio
import html
import math
import zlib
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from prometheus_client import Counter

from services import __version__
from services.collector.config import CollectorConfig
from services.collector.probing import AddressProber, Question, debug_text, find_target
from services.collector.render import OPENMETRICS_TYPE, TEXT_TYPE, render, wants_openmetrics
from services.collector.scrape import Target
from services.collector.sheet import Sheet
from services.collector.sources import KINDS
from services.collector.sources.base import SourcePage
from services.collector.telemetry_sheet import telemetry_sheet
from services.common.telemetry import Telemetry

HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
_OFFSET = 0.5
_SHORTEST = 0.05
_GZIP_FROM = 1024
_GZIP = 31
"""zlib's word for gzip's header and checksum around the largest window."""


def scrape_limit(header: str | None, default: float) -> float:
    """Return how many seconds an answer may take: the scraper's own limit less half a second for the way back.

    A limit too short for that is halved; a header that is no positive number counts as none.
    """
    try:
        given = float(header or "")
    except ValueError:
        given = default
    if not math.isfinite(given) or given <= 0:
        given = default
    return max(given - _OFFSET if given > 2 * _OFFSET else given / 2, _SHORTEST)


class Pages:
    """Answers from the targets in force; `targets` and `config` are exchanged by a reload."""

    def __init__(
        self,
        config: CollectorConfig,
        targets: Sequence[Target],
        telemetry: Telemetry,
        reload: Callable[[], Awaitable[str]],
    ) -> None:
        self.config, self.targets = config, targets
        self._telemetry, self._reload = telemetry, reload
        self.prober = AddressProber(telemetry)
        # By redis_exporter's name, whose `/scrape` this answers as well.
        self._refused = Counter(
            "redis_target_scrape_request_errors_total",
            "Requests for one target, of any kind, that were refused.",
            registry=telemetry.registry,
        )

    def add_to(self, app: web.Application) -> None:
        """Add the routes, but for `/metrics` itself."""
        app.router.add_get("/", self.landing)
        app.router.add_get("/metrics/{kind}", self.metrics_kind)
        app.router.add_get("/probe", self.probe)
        # redis_exporter's and sql_exporter's name for the same.
        app.router.add_get("/scrape", self.probe)
        app.router.add_post("/-/reload", self.reload)
        for kind in KINDS:
            for path, page in kind.pages.items():
                app.router.add_get(path, self._of_kind(kind.key, page))

    def _of_kind(self, kind: str, page: SourcePage) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await page([target.source for target in self.targets if target.kind == kind], request)

        return answer

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer with all targets and the collector's own metrics."""
        sheets = await self._scrape(request, self.targets)
        self._telemetry.ready.set(1)
        return await self._answer(request, [telemetry_sheet(self._telemetry), *sheets])

    async def metrics_kind(self, request: web.Request) -> web.Response:
        """Answer with the targets of one kind, so that each kind can be a job of its own."""
        kind = request.match_info["kind"]
        if kind not in {known.key for known in KINDS}:
            names = ", ".join(known.key for known in KINDS)
            raise web.HTTPNotFound(text=f"There is no kind of that name; the kinds are: {names}.\n")
        sheets = await self._scrape(request, [target for target in self.targets if target.kind == kind])
        return await self._answer(request, sheets)

    async def _scrape(self, request: web.Request, targets: Sequence[Target]) -> list[Sheet]:
        limit = scrape_limit(request.headers.get(HEADER), self.config.scrape_timeout)
        return list(await asyncio.gather(*(target.scrape(limit) for target in targets)))

    async def _answer(self, request: web.Request, sheets: Sequence[Sheet]) -> web.Response:
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        body = render(sheets, openmetrics=openmetrics)
        response = web.Response(
            body=body,
            headers={
                "Content-Type": OPENMETRICS_TYPE if openmetrics else TEXT_TYPE,
                "Vary": "Accept, Accept-Encoding",
            },
        )
        if len(body) >= _GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", "").lower():
            # Level 1 takes a quarter of the default's time for a page that is a sixth larger, and a page of metrics is
            # done before a thread for it would have begun.
            response.body = zlib.compress(body, 1, wbits=_GZIP)
            response.headers["Content-Encoding"] = "gzip"
        return response

    async def probe(self, request: web.Request) -> web.Response:
        """Answer for one target: a configured one by its name or address, or an allowed address by a module."""
        try:
            return await self._probe(request)
        except web.HTTPClientError:
            self._refused.inc()
            raise

    async def _probe(self, request: web.Request) -> web.Response:
        limit = scrape_limit(request.headers.get(HEADER), self.config.scrape_timeout)
        question = Question.of(request)
        target = find_target(self.targets, question)
        if target is not None:
            return await self._answer(request, [await target.scrape(limit)])
        probed = await self.prober.probe(question, limit)
        if question.debug:
            return web.Response(text=debug_text(probed.notes, render([probed.sheet])))
        return await self._answer(request, [probed.sheet])

    async def reload(self, _request: web.Request) -> web.Response:
        """Read the configuration again; 500 with what is wrong when the old one stays."""
        if problem := await self._reload():
            raise web.HTTPInternalServerError(text=f"The configuration in force stays: {problem}\n")
        return web.Response(text="Reloaded.\n")

    async def landing(self, _request: web.Request) -> web.Response:
        """Answer with links to what there is."""
        rows = [f"{target.kind}: {target.name} ({target.address})" for target in self.targets]
        paths = ["/metrics", *(f"/metrics/{kind.key}" for kind in KINDS), *(p for kind in KINDS for p in kind.pages)]
        links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in [*paths, "/-/healthy", "/-/ready"])
        modules = [f"{name}: {module.prober}" for name, module in sorted(self.prober.modules.items())]
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tocsin collector</title></head><body>'
            f"<h1>Tocsin collector {html.escape(__version__)}</h1><ul>{links}</ul>"
            f"<h2>Targets</h2>{_list(rows)}<h2>Modules of /probe?target=&amp;module=</h2>{_list(modules)}</body></html>"
        )
        return web.Response(
            text=page, content_type="text/html", headers={"Content-Security-Policy": "default-src 'none'"}
        )


def _list(rows: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(row)}</li>' for row in rows)}</ul>"
