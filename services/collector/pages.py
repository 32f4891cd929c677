"""The collector's HTTP pages: `/metrics`, `/metrics/<kind>`, `/probe`, and the landing page."""

import asyncio
import html
import math
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from prometheus_client import Counter

from services import __version__
from services.collector.config import CollectorConfig, Module
from services.collector.probes.http import check_url, probe_http, write_result
from services.collector.probes.websocket import probe_websocket
from services.collector.reasons import Reason
from services.collector.render import OPENMETRICS_TYPE, TEXT_TYPE, render, wants_openmetrics
from services.collector.scrape import Target
from services.collector.sheet import Sheet
from services.collector.sources import KINDS
from services.collector.sources.base import SourcePage
from services.collector.telemetry_sheet import telemetry_sheet
from services.common.clock import Clock
from services.common.telemetry import Telemetry

HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
_OFFSET = 0.5
_SHORTEST = 0.05
_GZIP_FROM = 1024


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

    def __init__(self, config: CollectorConfig, targets: Sequence[Target], telemetry: Telemetry, clock: Clock) -> None:
        self.config, self.targets = config, targets
        self._telemetry, self._clock = telemetry, clock
        self._unknown = Counter(
            "blackbox_module_unknown_total", "Probes that asked for an unknown module.", registry=telemetry.registry
        )

    def add_to(self, app: web.Application) -> None:
        """Add the routes, but for `/metrics` itself."""
        app.router.add_get("/", self.landing)
        app.router.add_get("/metrics/{kind}", self.metrics_kind)
        app.router.add_get("/probe", self.probe)
        app.router.add_get("/scrape", self.probe)
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
        if len(body) >= _GZIP_FROM:
            response.enable_compression()
        return response

    async def probe(self, request: web.Request) -> web.Response:
        """Answer for one target: a configured one by its name or address, or an allowed address by a module."""
        name = request.query.get("target", "")
        if not name:
            raise web.HTTPBadRequest(text="Say which target: /probe?target=NAME, or &module=NAME with its address.\n")
        module = request.query.get("module", "")
        limit = scrape_limit(request.headers.get(HEADER), self.config.scrape_timeout)
        found = self._configured(name, module)
        if found is not None:
            return await self._answer(request, [await found.scrape(limit)])
        return await self._answer(request, [await self._probe_address(name, module, limit)])

    def _configured(self, name: str, module: str) -> Target | None:
        found = [target for target in self.targets if name in {target.name, target.address}]
        if module in {kind.key for kind in KINDS}:
            found = [target for target in found if target.kind == module]
        elif module:
            return None
        if len(found) > 1:
            kinds = ", ".join(target.kind for target in found)
            raise web.HTTPBadRequest(text=f"Several targets have that name; add &module= with one of: {kinds}.\n")
        return found[0] if found else None

    async def _probe_address(self, url: str, module_name: str, limit: float) -> Sheet:
        module = self.config.probe.modules.get(module_name or "http_2xx")
        if module is None:
            self._unknown.inc()
            names = ", ".join(sorted(self.config.probe.modules))
            raise web.HTTPBadRequest(text=f"There is no module of that name; the modules are: {names}.\n")
        try:
            check_url(url, ("http", "https") if module.http is not None else ("ws", "wss"))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}.\n") from error
        if not self.config.probe.allows(url):
            raise web.HTTPForbidden(
                text="This target is neither configured nor allowed; add it to collector.probe.allowed_targets.\n"
            )
        return await self._run(url, module, min(limit, module.timeout or limit))

    async def _run(self, url: str, module: Module, limit: float) -> Sheet:
        sheet = Sheet()
        try:
            async with asyncio.timeout(limit):
                if module.http is not None:
                    await probe_http(sheet, url, module.http, self._clock, limit)
                elif module.websocket is not None:
                    await probe_websocket(sheet, url, module.websocket, self._clock, limit)
        except TimeoutError:
            if sheet.value("probe_success") is None:
                write_result(sheet, Reason.TIMEOUT)
        return sheet

    async def landing(self, _request: web.Request) -> web.Response:
        """Answer with links to what there is."""
        rows = "".join(
            f"<li>{html.escape(target.kind)}: {html.escape(target.name)} ({html.escape(target.address)})</li>"
            for target in self.targets
        )
        links = "".join(f'<li><a href="/metrics/{kind.key}">/metrics/{kind.key}</a></li>' for kind in KINDS)
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tocsin collector</title></head><body>'
            f"<h1>Tocsin collector {html.escape(__version__)}</h1>"
            f'<ul><li><a href="/metrics">/metrics</a></li>{links}</ul><h2>Targets</h2><ul>{rows}</ul></body></html>'
        )
        return web.Response(
            text=page, content_type="text/html", headers={"Content-Security-Policy": "default-src 'none'"}
        )
