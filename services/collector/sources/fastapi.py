"""FastAPI (and any app with a Prometheus page): its own metrics passed through, and an HTTP check from outside."""

import asyncio
from http import HTTPStatus

import aiohttp
from pydantic import Field, model_validator

from services.collector.passthrough import pass_through
from services.collector.probes.attempts import probe_with_attempts
from services.collector.probes.base import write_result
from services.collector.probes.http import PROBER, HttpUrl, read_bounded
from services.collector.probes.http_config import HttpModule
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind
from services.collector.sources.probed import ProbedTarget, last_note, probe_time

_TEXT = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
_OPENMETRICS = "application/openmetrics-text"
_MAX_PAGE = 16 * 1024**2
_FORBIDDEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class FastApiTarget(ProbedTarget):
    """An app: where its metrics page is, and the address by which it is checked from outside."""

    metrics_url: HttpUrl | None = None
    health_url: HttpUrl | None = None
    metrics_headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """For a page behind a token; write values as `${NAME}`."""
    exemplars: bool = True
    """Ask for OpenMetrics, which alone has exemplars. Some client libraries (not Python's) write other names in it."""
    health: HttpModule = Field(default_factory=HttpModule)

    @model_validator(mode="after")
    def _something(self) -> "FastApiTarget":
        if self.metrics_url is None and self.health_url is None:
            raise ValueError("give metrics_url, health_url or both")
        return self


class FastApiSource:
    """Keeps one connection for the metrics page; the check opens a new one each time, as a client would."""

    def __init__(self, target: FastApiTarget, context: Context, session: aiohttp.ClientSession) -> None:
        self._target, self._tools, self._session = target, context.tools, session

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; page and check go on side by side, and one's failure does not lose the other's samples."""
        parts = []
        if self._target.health_url is not None:
            parts.append(self._check(sheet, self._target.health_url, limit))
        if self._target.metrics_url is not None:
            parts.append(self._page(sheet, self._target.metrics_url))
        outcomes = await asyncio.gather(*parts, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if self._target.health_url is None:
            _write_up(sheet, up=not failures)
        if failures:
            raise failures[0]

    async def _check(self, sheet: Sheet, url: str, limit: float) -> None:
        notes: list[str] = []
        reason = await probe_with_attempts(
            sheet, self._tools, PROBER, url, self._target.health,
            limit=probe_time(limit), attempts=self._target.attempts, notes=notes,
        )  # fmt: skip
        _write_up(sheet, up=reason is None)
        if reason is not None:
            raise ScrapeError(reason, f"the check of {url} failed: {last_note(notes)}")

    async def _page(self, sheet: Sheet, url: str) -> None:
        got = False
        try:
            accept = f"{_OPENMETRICS};version=1.0.0,{_TEXT}" if self._target.exemplars else _TEXT
            headers = {"Accept": accept, **self._target.metrics_headers}
            async with self._session.get(url, headers=headers) as response:
                if response.status != HTTPStatus.OK:
                    reason = Reason.AUTH if response.status in _FORBIDDEN else Reason.STATUS
                    raise ScrapeError(reason, f"{url} answers {response.status}")
                body, _ = await read_bounded(response, _MAX_PAGE)
                openmetrics = response.content_type == _OPENMETRICS
            pass_through(sheet, body, openmetrics=openmetrics)
            got = True
        finally:
            sheet.gauge("fastapi_metrics_up", "1 when the app's own metrics page was read, 0 when not.", got)

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if sheet.value("fastapi_up") is None:
            _write_up(sheet, up=False)
        if self._target.health_url is not None and sheet.value("probe_success") is None:
            write_result(sheet, Reason(reason))


def _write_up(sheet: Sheet, *, up: bool) -> None:
    sheet.gauge("fastapi_up", "1 when the app answered its check (or, without one, its metrics page), 0 when not.", up)


async def open_fastapi(target: FastApiTarget, context: Context) -> FastApiSource:
    """Open the source's connection pool."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )
    context.stack.push_async_callback(session.close)
    return FastApiSource(target, context, session)


KIND = SourceKind(
    "fastapi", FastApiTarget, open_fastapi, lambda target: target.health_url or target.metrics_url
)  # fmt: skip
