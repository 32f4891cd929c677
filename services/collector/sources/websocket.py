"""WebSocket servers, checked from outside; what the app sees of its own connections comes with the FastAPI source."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.http import check_url
from services.collector.probes.websocket import WebSocketModule, probe_websocket
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind, TargetName


def _check(text: str) -> str:
    return check_url(text, ("ws", "wss"))


WsUrl = Annotated[str, AfterValidator(_check)]


class WebSocketTarget(WebSocketModule):
    """One server: how it is checked stands beside its address."""

    name: TargetName
    url: WsUrl


class WebSocketSource:
    """Opens one connection at each scrape."""

    def __init__(self, target: WebSocketTarget, context: Context) -> None:
        self._target, self._clock = target, context.clock

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; raises ScrapeError with the check's reason."""
        reason = await probe_websocket(sheet, self._target.url, self._target, self._clock, limit)
        _write_up(sheet, up=reason is None)
        if reason is not None:
            raise ScrapeError(reason, f"the check of {self._target.url} failed")

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if sheet.value("probe_success") is None:
            sheet.gauge("probe_success", "Displays whether or not the probe was a success", 0)
            sheet.gauge("probe_failed_reason", "1 with the reason why the probe failed", 1, reason=Reason(reason).value)
        if sheet.value("websocket_up") is None:
            _write_up(sheet, up=False)


def _write_up(sheet: Sheet, *, up: bool) -> None:
    sheet.gauge("websocket_up", "1 when the server took a connection and answered, 0 when not.", up)


async def open_websocket(target: WebSocketTarget, context: Context) -> WebSocketSource:
    """Return the source; nothing is kept open between scrapes."""
    return WebSocketSource(target, context)


KIND = SourceKind("websocket", WebSocketTarget, open_websocket, lambda target: target.url)
