"""A webhook receiver that costs as little as one can: it reads requests off the socket and keeps what they told."""

import asyncio
import time

import orjson

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Sink:
    """Counts alerts (by their `n` label) and requests; `wait_for` tells when so many are there."""

    def __init__(self) -> None:
        self.requests = 0
        self.told: dict[str, int] = {}
        self.at: dict[str, float] = {}
        self.port = 0
        self._wanted = 0
        self._reached = asyncio.Event()

    async def listen(self) -> asyncio.AbstractServer:
        """Listen on a free port of the loopback."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def clear(self) -> None:
        """Forget what came."""
        self.requests = 0
        self.told.clear()
        self.at.clear()

    def take(self, body: bytes) -> None:
        """Take one request in."""
        self.requests += 1
        now = time.monotonic()
        for alert in orjson.loads(body)["alerts"]:
            name = alert["labels"]["n"]
            self.told[name] = self.told.get(name, 0) + 1
            self.at.setdefault(name, now)
        if len(self.told) >= self._wanted:
            self._reached.set()

    async def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until so many different alerts have come; False when that takes too long."""
        self._wanted = count
        self._reached.clear()
        if len(self.told) >= count:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._reached.wait()
        except TimeoutError:
            return False
        return True


class _Connection(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, sink: Sink) -> None:
        self._sink, self._data = sink, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_END)) >= 0:
            head = bytes(self._data[:end]).lower()
            length = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r\n", 1)[0])
            first = end + len(_END)
            if len(self._data) < first + length:
                return
            body = bytes(self._data[first : first + length])
            del self._data[: first + length]
            self._sink.take(body)
            self._transport.write(_ANSWER)
