"""The order feed: what the shop tells its WebSocket clients."""

import asyncio
from contextlib import suppress

from fastapi import WebSocket, WebSocketDisconnect

from demo.faults import FaultWatch


class Feed:
    """Sends each new order to every connected client; answers `ping` with `pong`."""

    def __init__(self, faults: FaultWatch) -> None:
        self._faults = faults
        self._clients: set[WebSocket] = set()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def publish(self, message: dict[str, object]) -> None:
        """Send a message to all clients at once; a client that can't take it is dropped."""
        if self._faults.on("websocket"):
            return
        results = await asyncio.gather(*(c.send_json(message) for c in self._clients), return_exceptions=True)
        for client, result in zip(list(self._clients), results, strict=False):
            if isinstance(result, BaseException):
                self._clients.discard(client)

    async def serve(self, client: WebSocket) -> None:
        """Keep one client until it goes."""
        await client.accept()
        self._clients.add(client)
        try:
            while True:
                text = await client.receive_text()
                if text == "ping" and not self._faults.on("websocket"):
                    await client.send_text("pong")
        except WebSocketDisconnect:
            pass
        finally:
            self._clients.discard(client)
            with suppress(RuntimeError):
                await client.close()
