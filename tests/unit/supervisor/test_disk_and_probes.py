import asyncio
import shutil
import ssl
from typing import NamedTuple

from aiohttp import web

from services.common.testing.clock import ManualClock
from services.supervisor import disk
from services.supervisor.disk import POLL_SECONDS, low_space, watch_space
from services.supervisor.probes import http_probe
from services.supervisor.service_processes import service_processes
from tests.fixtures.ports import free_port
from tests.integration.collector.certs import make

LISTENS = ("collector.listen", "evaluator.listen", "notifier.listen", "api.listen")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_low_space_is_told_once_and_its_end_too(tmp_path, console, screen, monkeypatch):
    free = {"bytes": 10**9}
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 0, free["bytes"]))
    assert disk.shutil is shutil
    assert low_space(tmp_path) is None
    clock = ManualClock()
    task = asyncio.create_task(watch_space(tmp_path, clock, console))
    for number in (10**9, 5 * 10**6, 5 * 10**6, 10**9):
        free["bytes"] = number
        await clock.wait_for_sleepers()
        await clock.advance(POLL_SECONDS)
    task.cancel()
    lines = screen.getvalue().splitlines()
    assert len(lines) == 2
    assert f"only 5 MB free in {tmp_path}; below 200 MB" in lines[0]
    assert "enough space again" in lines[1]


async def test_a_probe_tells_what_is_missing():
    answers = iter(
        [web.Response(status=503, text="Redis is away\n"), web.Response(status=404), web.Response(text="Ready.\n")]
    )

    async def ready(_request):
        return next(answers)

    app = web.Application()
    app.router.add_get("/-/ready", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    probe = http_probe(f"0.0.0.0:{port}")
    assert await probe() == "Redis is away"
    assert await probe() == "answers 404"
    assert await probe() == ""
    await runner.cleanup()
    assert await probe() == "does not answer (ConnectionRefusedError)"


async def test_something_that_does_not_speak_http_is_not_ready():
    async def babble(_reader, writer):
        writer.write(b"-ERR what?\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await http_probe(f"127.0.0.1:{port}")() == "does not answer (BadStatusLine)"
    server.close()
    await server.wait_closed()


async def test_who_answers_only_who_shows_a_certificate_is_asked_whether_it_listens(tmp_path):
    context = make("own").server(tmp_path, "own")
    context.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    (process,) = (
        one
        for one in service_processes(
            tmp_path, tmp_path, dict.fromkeys(LISTENS, address), {}, tls={"collector"}, mutual_tls={"collector"}
        )
        if one.name == "collector"
    )
    assert await process.probe() == ""
    server.close()
    await server.wait_closed()
    assert await process.probe() == "does not answer (ConnectionRefusedError)"
