"""A real FastAPI app on a real uvicorn."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn


async def until_true(condition: Callable[[], bool], limit: float = 60) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "never came"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Serve an app in this event loop; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="websockets-sansio"))
    task = asyncio.create_task(server.serve())
    try:
        await until_true(lambda: server.started or task.done())
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
