"""Stands in for the evaluator (Prometheus' JSON to the letter), and proxies that cut a server off."""

import asyncio
import contextlib

from aiohttp import web

from tests.fixtures.waiting import until
from tests.unit.api import scenario


class StandInEvaluator:
    """Answers as the evaluator does; a test sets what."""

    def __init__(self):
        self.token = ""
        self.port = 0
        self.rules = scenario.rules_answer()
        self.values = {name: value for name, (value, _) in scenario.RECORDED.items()}
        self.broken = ""
        self.asked = []
        self.ranges = {}
        self._runner = None

    def app(self):
        app = web.Application()
        app.router.add_get("/api/v1/query", self._query)
        app.router.add_get("/api/v1/query_range", self._range)
        app.router.add_get("/api/v1/rules", self._rules)
        return app

    async def start(self, port=0):
        self._runner = web.AppRunner(self.app())
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _answer(self, request, data):
        self.asked.append(request.path)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="Show the service token.\n")
        if self.broken == "status":
            return web.json_response({"status": "error", "errorType": "internal", "error": "broken"}, status=500)
        if self.broken == "form":
            return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}})
        if self.broken == "text":
            return web.Response(text="<html>a proxy's page</html>", content_type="text/html")
        return web.json_response({"status": "success", "data": data})

    async def _query(self, request):
        at = float(request.query["time"])
        assert request.query["query"] == '{__name__=~"tocsin:.+"}'
        result = [{"metric": {"__name__": name}, "value": [at, str(value)]} for name, value in self.values.items()]
        return self._answer(request, {"resultType": "vector", "result": result})

    async def _range(self, request):
        start, end, step = (float(request.query[key]) for key in ("start", "end", "step"))
        if request.query["query"] in self.ranges:
            series = self.ranges[request.query["query"]](start, end, step)
            return self._answer(request, {"resultType": "matrix", "result": series})
        steps = [start + index * step for index in range(int((end - start) / step) + 1)]
        result = [
            {"metric": {"__name__": name}, "values": [[at, str(value * 0.5)] for at in steps]}
            for name, value in self.values.items()
        ]
        return self._answer(request, {"resultType": "matrix", "result": result})

    async def _rules(self, request):
        return self._answer(request, self.rules)


class Cuttable:
    """A TCP proxy before a real server: `cut` makes the server go away, `mend` brings it back."""

    def __init__(self, port):
        self._target = port
        self._writers = set()
        self._server = None
        self.port = 0

    async def start(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    mend = start

    async def cut(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await until(lambda: not self._writers)

    stop = cut

    async def _carry(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    @staticmethod
    async def _pump(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()
