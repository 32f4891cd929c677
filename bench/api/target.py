"""The watched target: one gauge that is set from here."""

from contextlib import AsyncExitStack

from aiohttp import web


class Target:
    """Serves `bench_queue`; remembers when a value was set."""

    def __init__(self) -> None:
        self.value = 0
        self.port = 0

    async def listen(self, stack: AsyncExitStack) -> None:
        """Listen on a free port until the stack closes."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=f"# TYPE bench_queue gauge\nbench_queue {self.value}\n")
