"""One WebSocket check: handshake, protocol ping, and the app's own ping and answer; every wait is bounded."""

import asyncio
import re

import aiohttp
from aiohttp import WSMsgType
from pydantic import Field

from services.collector.probes.http import Pattern, failure, write_common, write_result
from services.collector.probes.phases import Phases, make_tls, new_session, write_address, write_tls
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.common.clock import Clock
from services.common.config import StrictModel

_MAX_MESSAGE = 1024**2
_PING = b"tocsin"
_DURATION = "Duration of websocket request by phase"
_ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class WebSocketModule(StrictModel):
    """How to check a WebSocket."""

    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    subprotocols: tuple[str, ...] = ()
    ping_message: str | None = None
    """What the app answers, such as `ping`; without it only the handshake and the protocol's own ping are checked."""
    expect: Pattern | None = None
    """A regular expression that the answer must contain; other messages before it are skipped. Default: any message."""
    protocol_ping: bool = True
    verify_tls: bool = True
    ca_file: str | None = None


class _Check:
    def __init__(self, sheet: Sheet, module: WebSocketModule, clock: Clock, phases: Phases) -> None:
        self.sheet, self.module, self.clock, self.phases = sheet, module, clock, phases
        self.upgraded = False
        self.status = 0

    async def run(self, session: aiohttp.ClientSession, url: str) -> None:
        begin = self.clock.monotonic()
        socket = await session.ws_connect(
            url,
            headers=self.module.headers,
            protocols=self.module.subprotocols,
            autoping=False,
            max_msg_size=_MAX_MESSAGE,
        )
        try:
            opened = self.clock.monotonic()
            self.upgraded, self.status = True, 101
            before = sum(self.phases.seconds.get(phase, 0.0) for phase in ("resolve", "connect", "tls"))
            self.phases.add("processing", opened - begin - before)
            if self.module.protocol_ping:
                await self._protocol_ping(socket)
            if self.module.ping_message is not None:
                await self._app_ping(socket, self.module.ping_message)
            self.phases.add("transfer", self.clock.monotonic() - opened)
        finally:
            # `close` waits for the other side's close frame; a server that hangs must not hold the answer back.
            with_close = asyncio.create_task(socket.close())
            await asyncio.wait({with_close}, timeout=0.2)
            if not with_close.done():
                with_close.cancel()

    async def _protocol_ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        sent = self.clock.monotonic()
        await socket.ping(_PING)
        while True:
            message = await self._receive(socket)
            if message.type is WSMsgType.PONG:
                break
        took = self.clock.monotonic() - sent
        self.sheet.gauge("probe_websocket_ping_seconds", "Time from a protocol ping to its pong.", took)

    async def _app_ping(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        sent = self.clock.monotonic()
        await socket.send_str(text)
        expected = re.compile(self.module.expect or "")
        while True:
            message = await self._receive(socket)
            if message.type is WSMsgType.TEXT and expected.search(message.data):
                break
            if message.type is WSMsgType.BINARY and expected.search(message.data.decode("utf-8", errors="replace")):
                break
        took = self.clock.monotonic() - sent
        self.sheet.gauge("probe_websocket_round_trip_seconds", "Time from the app's ping to its answer.", took)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
        message = await socket.receive()
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
        if message.type in _ENDS:
            code = socket.close_code or 1006
            self.sheet.gauge("probe_websocket_close_code", "Code by which the server closed the connection.", code)
            raise ScrapeError(Reason.CLOSED, f"the server closed the connection with code {code}")
        return message


async def probe_websocket(sheet: Sheet, url: str, module: WebSocketModule, clock: Clock, limit: float) -> Reason | None:
    """Check a WebSocket and write what was seen; return why it failed. The caller bounds the time."""
    tls = make_tls(clock, verify=module.verify_tls, ca_file=module.ca_file)
    phases, start = Phases(clock, tls), clock.monotonic()
    check = _Check(sheet, module, clock, phases)
    reason: Reason | None = Reason.TIMEOUT
    try:
        async with new_session(phases, tls) as session:
            await check.run(session, url)
        reason = None
    except aiohttp.WSServerHandshakeError as error:
        check.status, reason = error.status, Reason.STATUS
    except (aiohttp.ClientError, OSError, ScrapeError) as error:
        reason = failure(error, phases)
    finally:
        _write(sheet, check)
        write_common(sheet, phases.dns, clock.monotonic() - start, limit)
        write_address(sheet, phases.peer)
        write_tls(sheet, tls)
        write_result(sheet, reason)
    return reason


def _write(sheet: Sheet, check: _Check) -> None:
    sheet.gauge("probe_websocket_status_code", "Response HTTP status code", check.status)
    sheet.gauge(
        "probe_websocket_connection_upgraded",
        "Indicates if the websocket connection was successfully upgraded",
        check.upgraded,
    )
    answered = check.module.expect is None or "probe_websocket_round_trip_seconds" in sheet.families
    sheet.gauge(
        "probe_websocket_failed_due_to_regex", "Indicates if probe failed due to regex", check.upgraded and not answered
    )
    for phase, seconds in check.phases.seconds.items():
        sheet.gauge("probe_websocket_duration_seconds", _DURATION, seconds, phase=phase)
