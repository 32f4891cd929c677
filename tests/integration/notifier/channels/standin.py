"""A stand-in for a provider: an HTTP server that keeps each request and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    def echo(self) -> str:
        """All that the request told, as a careless server might repeat it."""
        headers = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method} {self.path}?{self.query}\n{headers}\n{self.body.decode()}"


Answer = tuple[int, dict[str, str], Any]


@dataclass
class StandIn:
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """For the next requests; then `usual`."""
    usual: Callable[[Seen], Answer] = lambda _seen: (200, {}, {})
    hang: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.method, request.path, dict(request.query), headers, body)
        self.seen.append(seen)
        if self.hang is not None:
            await self.hang.wait()
        status, more, answer = self.answers.pop(0) if self.answers else self.usual(seen)
        if isinstance(answer, str):
            return web.Response(status=status, headers=more, text=answer)
        return web.json_response(answer, status=status, headers=more)

    @property
    def last(self) -> Seen:
        return self.seen[-1]


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    it = StandIn()
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    runner.app.router.add_route("*", "/{tail:.*}", it.handle)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    if it.hang is not None:
        it.hang.set()
    await runner.cleanup()
