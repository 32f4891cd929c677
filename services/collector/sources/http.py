"""HTTP checks of anything: a payment gateway's status page, a partner's API."""

from pydantic import Field

from services.collector.probes.http import HttpModule, HttpUrl, probe_http
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind, TargetModel


class HttpTarget(TargetModel):
    """One URL and how it is checked."""

    url: HttpUrl
    module: HttpModule = Field(default_factory=HttpModule)


class HttpSource:
    """Checks one URL at each scrape."""

    def __init__(self, target: HttpTarget, context: Context) -> None:
        self._target, self._clock = target, context.clock

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; raises ScrapeError with the check's reason."""
        reason = await probe_http(sheet, self._target.url, self._target.module, self._clock, limit)
        if reason is not None:
            raise ScrapeError(reason, f"the check of {self._target.url} failed")

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if sheet.value("probe_success") is None:
            sheet.gauge("probe_success", "Displays whether or not the probe was a success", 0)
            sheet.gauge("probe_failed_reason", "1 with the reason why the probe failed", 1, reason=Reason(reason).value)


async def open_http(target: HttpTarget, context: Context) -> HttpSource:
    """Return the source; nothing is kept open."""
    return HttpSource(target, context)


KIND = SourceKind("http", HttpTarget, open_http, lambda target: target.url)
