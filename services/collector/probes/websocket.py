"""One WebSocket check: handshake, protocol ping, the app's own ping and answer, a dialogue; every wait is bounded."""

import asyncio
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from multidict import CIMultiDict
from pydantic import Field, model_validator

from services.collector.probes.base import DialModule, Prober, Run
from services.collector.probes.client_config import ClientAuth
from services.collector.probes.handshake import make_tls, write_tls
from services.collector.probes.http import check_url
from services.collector.probes.phases import Phases, failure, new_session
from services.collector.probes.query import REGEX_TEXT, QueryResponse, run_steps
from services.collector.probes.regex import Pattern, matches
from services.collector.probes.token import UNAUTHORISED, authorization
from services.collector.reasons import Reason, ScrapeError

_MAX_MESSAGE = 1024**2
_MAX_TOTAL = 16 * 1024**2
_PING = b"tocsin"
_SWITCHING = 101
_CLOSE = 0.2
_DURATION = "Duration of websocket request by phase"
_ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class WebSocketModule(DialModule, ClientAuth):
    """How to check a WebSocket: blackbox_exporter's keys (`http_config`, `query_response`) and ours."""

    headers: dict[str, str | tuple[str, ...]] = Field(default_factory=dict, repr=False)
    subprotocols: tuple[str, ...] = ()
    ping_message: str | None = None
    """What the app answers, such as `ping`; without it only the handshake and the protocol's own ping are checked."""
    expect: Pattern | None = None
    """A regular expression that the answer must contain; other messages before it are skipped. Default: any message."""
    protocol_ping: bool = True
    query_response: tuple[QueryResponse, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(inner := data.get("http_config"), dict):
            return {**inner, **{key: value for key, value in data.items() if key != "http_config"}}
        return data

    @model_validator(mode="after")
    def _possible(self) -> "WebSocketModule":
        if any(step.starttls or step.expect_bytes for step in self.query_response):
            raise ValueError("starttls and expect_bytes are for tcp; a WebSocket's TLS is chosen by wss://")
        return self


class _Check:
    """One connection; also what `query_response` talks to."""

    def __init__(self, run: Run, module: WebSocketModule, phases: Phases) -> None:
        self.run, self.module, self.phases = run, module, phases
        self.upgraded = False
        self.status = 0
        self.regex_failed = False
        self._left = _MAX_TOTAL
        self._socket: aiohttp.ClientWebSocketResponse

    async def check(self, session: aiohttp.ClientSession, url: str) -> Reason | None:
        token = await authorization(self.run, self.module)
        clock, begin = self.run.clock, self.run.clock.monotonic()
        self._socket = await self._connect(session, url, token)
        opened = clock.monotonic()
        try:
            self.upgraded, self.status = True, _SWITCHING
            self.run.note("upgraded")
            self.phases.add("processing", opened - begin - self.phases.connecting())
            if self.module.protocol_ping:
                await self._protocol_ping()
            if self.module.ping_message is not None:
                await self._app_ping(self.module.ping_message)
            reason = await run_steps(self.run, self, self.module.query_response)
        finally:
            self.phases.add("transfer", clock.monotonic() - opened)
        # Only a server that answers is told goodbye; the session drops the connection of any other.
        await self._close()
        return reason

    async def _connect(self, session: aiohttp.ClientSession, url: str, token: str) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._upgrade(session, url, token)
        except aiohttp.WSServerHandshakeError as error:
            newer = await authorization(self.run, self.module, instead_of=token) if error.status == UNAUTHORISED else ""
            if newer in {"", token}:
                raise
            self.run.note("the token is refused: once more with a new one")
            return await self._upgrade(session, url, newer)

    async def _upgrade(self, session: aiohttp.ClientSession, url: str, token: str) -> aiohttp.ClientWebSocketResponse:
        headers = self._headers()
        if token:
            headers["Authorization"] = token
        return await session.ws_connect(
            url, headers=headers, protocols=self.module.subprotocols, autoping=False,
            max_msg_size=_MAX_MESSAGE, server_hostname=self.module.tls_config.server_name or self.run.hostname or None,
        )  # fmt: skip

    def _headers(self) -> CIMultiDict[str]:
        found = CIMultiDict(self.module.auth_headers(self.run.tools.base))
        for name, values in self.module.headers.items():
            found.popall(name, None)
            for value in (values,) if isinstance(values, str) else values:
                found.add(name, value)
        if self.run.hostname:
            found.setdefault("Host", self.run.hostname)
        return found

    async def _close(self) -> None:
        # `close` waits for the other side's close frame; a server that hangs must not hold the answer back.
        closing = asyncio.create_task(self._socket.close())
        await asyncio.wait({closing}, timeout=_CLOSE)
        if not closing.done():
            closing.cancel()
            await asyncio.wait({closing}, timeout=_CLOSE)

    async def _protocol_ping(self) -> None:
        sent = self.run.clock.monotonic()
        await self._socket.ping(_PING)
        while True:
            message = await self._receive()
            if message.type is WSMsgType.PONG:
                break
        took = self.run.clock.monotonic() - sent
        self.run.sheet.gauge("probe_websocket_ping_seconds", "Time from a protocol ping to its pong.", took)

    async def _app_ping(self, text: str) -> None:
        sent = self.run.clock.monotonic()
        await self._socket.send_str(text)
        self.regex_failed = self.module.expect is not None
        while (answer := await self.read_line()) is not None:
            if self.module.expect is None or matches(self.module.expect, answer):
                break
        self.regex_failed = False
        took = self.run.clock.monotonic() - sent
        self.run.sheet.gauge("probe_websocket_round_trip_seconds", "Time from the app's ping to its answer.", took)

    async def read_line(self) -> str | None:
        """Return the next message as text; raises ScrapeError when the server closes or sends without an end."""
        while True:
            message = await self._receive()
            if message.type is WSMsgType.TEXT:
                return str(message.data)
            if message.type is WSMsgType.BINARY:
                return bytes(message.data).decode("utf-8", errors="replace")

    async def send_line(self, text: str) -> None:
        """Send a text message."""
        await self._socket.send_str(text)

    async def read_exactly(self, count: int) -> bytes:
        """Never called: the model refuses such steps."""
        raise NotImplementedError

    async def start_tls(self) -> None:
        """Never called: the model refuses such steps."""
        raise NotImplementedError

    async def _receive(self) -> aiohttp.WSMessage:
        message = await self._socket.receive()
        if message.type is WSMsgType.PING:
            await self._socket.pong(message.data)
        if message.type in _ENDS:
            code = self._socket.close_code or 1006
            text = "Code by which the server closed the connection."
            self.run.sheet.gauge("probe_websocket_close_code", text, code)
            reason = Reason.TOO_LARGE if code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG else Reason.CLOSED
            raise ScrapeError(reason, f"the connection was closed with code {code}")
        if isinstance(message.data, str | bytes):
            self._left -= len(message.data)
            if self._left < 0:
                raise ScrapeError(Reason.TOO_LARGE, f"the server has sent more than {_MAX_TOTAL} bytes")
        return message


def websocket_target(text: str) -> str:
    """Return the URL if it is a WebSocket's; raises ValueError."""
    return check_url(text, ("ws", "wss"))


async def probe_websocket(run: Run, url: str, module: WebSocketModule) -> Reason | None:
    """Check a WebSocket and write what was seen; return why it failed. The caller bounds the time."""
    tls = make_tls(run.clock, module.tls_config, run.tools.base)
    tls.make_current()
    phases = Phases(run, tls)
    check = _Check(run, module, phases)
    try:
        async with new_session(run, phases, module, module.source_ip_address) as session:
            return await check.check(session, url)
    except aiohttp.WSServerHandshakeError as error:
        check.status = error.status
        run.note(f"the server answers {error.status} in place of an upgrade: {error.message}")
        return Reason.STATUS if error.status != _SWITCHING else Reason.PROTOCOL
    except (aiohttp.ClientError, OSError) as error:
        raise ScrapeError(failure(error, phases), f"{type(error).__name__}: {error}") from error
    finally:
        phases.connected()
        _write(run, check)
        write_tls(run.sheet, tls)


def _write(run: Run, check: _Check) -> None:
    sheet = run.sheet
    sheet.gauge("probe_websocket_status_code", "Response HTTP status code", check.status)
    sheet.gauge(
        "probe_websocket_connection_upgraded",
        "Indicates if the websocket connection was successfully upgraded",
        check.upgraded,
    )
    failed = check.regex_failed or sheet.families.pop("probe_failed_due_to_regex", None) is not None
    sheet.gauge("probe_websocket_failed_due_to_regex", REGEX_TEXT, failed)
    for phase in ("resolve", "connect", "tls", "processing", "transfer"):
        seconds = check.phases.seconds.get(phase, 0.0)
        sheet.gauge("probe_websocket_duration_seconds", _DURATION, seconds, phase=phase)


PROBER = Prober("websocket", WebSocketModule, probe_websocket, websocket_target)
