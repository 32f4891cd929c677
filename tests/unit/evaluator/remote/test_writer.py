"""The queue of remote write, against a server that takes, refuses and stays away."""

import asyncio
import contextlib
import socket
from contextlib import AsyncExitStack

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.common.config import ConfigError
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.config import EvaluatorConfig
from services.evaluator.remote.config import RemoteWriteConfig
from services.evaluator.remote.session import ServerSession
from services.evaluator.remote.writer import RemoteWriter, offer_all, open_writers
from services.evaluator.telemetry import RemoteWriteTelemetry
from tests.fixtures.waiting import until


class Rig:
    def __init__(self, decode):
        self.decode = decode
        self.answers, self.requests = [], []
        self.clock = ManualClock()
        self.telemetry = Telemetry("evaluator")
        self.url = ""
        self.writer = None

    async def take(self, request):
        series = self.decode(await request.read())
        self.requests.append((request.headers.copy(), series))
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        return web.Response(status=status, headers=headers)

    @property
    def times(self):
        return [sorted(t for _, points in series for t, _ in points) for _, series in self.requests]

    def offer(self, *times):
        for t in times:
            offer_all([self.writer], t, [{"__name__": "m"}], [float(t)])

    def count(self, name, **labels):
        return self.telemetry.registry.get_sample_value(name, {"server": "w", **labels}) or 0.0

    async def until(self, condition):
        await until(condition, every=0.005)


@pytest.fixture
async def make(decode, tmp_path):
    async with AsyncExitStack() as stack:
        rig = Rig(decode)
        app = web.Application()

        async def take(request):
            # A test may put another one in its place.
            return await rig.take(request)

        app.router.add_post("/write", take)
        server = TestServer(app)
        await server.start_server()
        stack.push_async_callback(server.close)

        async def build(**keys):
            rig.url = str(server.make_url("/write"))
            config = RemoteWriteConfig.model_validate({"url": rig.url, "name": "w", **keys})
            session = ServerSession(config, tmp_path, rig.clock, config.remote_timeout)
            await session.open(stack)
            rig.writer = RemoteWriter(config, {"region": "eu"}, session, rig.clock, RemoteWriteTelemetry(rig.telemetry))
            return rig

        async def start():
            task = asyncio.create_task(rig.writer.run())

            async def stop():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

            stack.push_async_callback(stop)
            return task

        rig.start = start
        yield build


async def test_samples_leave_with_external_labels_and_the_right_headers(make):
    rig = await make(bearer_token="secret", max_samples_per_send=2)
    rig.offer(1, 2, 3)
    await rig.start()
    await rig.until(lambda: rig.count("tocsin_remote_write_samples_total") == 3)
    assert rig.times == [[1, 2], [3]]
    headers, series = rig.requests[0]
    assert series[0][0] == [("__name__", "m"), ("region", "eu")]
    assert {
        name: headers[name]
        for name in ("Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version", "Authorization")
    } == {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0", "Authorization": "Bearer secret",
    }  # fmt: skip
    rig.offer(4)
    await rig.until(lambda: rig.times[2:] == [[4]])


async def test_a_server_in_trouble_gets_the_same_samples_again_later(make):
    rig = await make(min_backoff="1s", max_backoff="2s")
    rig.answers = [(503, {}), (429, {"Retry-After": "7"}), (500, {"Retry-After": "tomorrow"})]
    rig.offer(1, 2)
    await rig.start()
    for wait, requests in ((1.0, 2), (7.0, 3), (2.0, 4)):
        await rig.clock.wait_for_sleepers()
        await rig.clock.advance(wait - 0.2)
        assert len(rig.requests) == requests - 1
        await rig.clock.advance(0.2001)
        await rig.until(lambda requests=requests: len(rig.requests) == requests)
    await rig.until(lambda: rig.count("tocsin_remote_write_samples_total") == 2)
    assert rig.times == [[1, 2]] * 4
    assert [rig.count("tocsin_remote_write_retries_total", reason=f"status_{one}") for one in (503, 429, 500)] == [
        1
    ] * 3
    assert rig.count("tocsin_remote_write_samples_queued") == 0


async def test_what_the_server_refuses_is_dropped_and_counted(make):
    rig = await make(max_samples_per_send=1)
    rig.answers = [(400, {})]
    rig.offer(1, 2)
    await rig.start()
    await rig.until(lambda: rig.count("tocsin_remote_write_samples_total") == 1)
    assert rig.count("tocsin_remote_write_samples_dropped_total", reason="refused_400") == 1


async def test_a_full_queue_drops_the_oldest(make):
    rig = await make(capacity=3)
    rig.offer(1, 2, 3, 4, 5)
    assert rig.count("tocsin_remote_write_samples_dropped_total", reason="queue_full") == 2
    assert rig.count("tocsin_remote_write_samples_queued") == 3
    await rig.start()
    await rig.until(lambda: rig.times == [[3, 4, 5]])


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"url": "http://127.0.0.1:1/"}, "unreachable"),
        ({"bearer_token_file": "none"}, "credentials"),
        ({"remote_timeout": "50ms"}, "timeout"),
    ],
)
async def test_a_server_out_of_reach_is_tried_again(make, keys, reason):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # The kernel accepts for it; nobody answers.
        rig = await make(**{"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"} | keys)
        rig.offer(1)
        await rig.start()
        await rig.until(lambda: rig.count("tocsin_remote_write_retries_total", reason=reason) == 1)
    assert rig.count("tocsin_remote_write_retries_total", reason=reason) == 1
    assert rig.count("tocsin_remote_write_samples_queued") == 1


async def test_writers_of_the_configuration(tmp_path):
    def config(**keys):
        return EvaluatorConfig.model_validate({"remote_write": [{"url": "http://127.0.0.1:1/w", **keys}]})

    async with AsyncExitStack() as stack:
        more = {"base": tmp_path, "clock": ManualClock(), "telemetry": RemoteWriteTelemetry(Telemetry("evaluator"))}
        (writer,) = await open_writers(stack, config(), **more)
        assert writer.server == "http://127.0.0.1:1/w"
        with pytest.raises(ConfigError, match="tls_config"):
            await open_writers(stack, config(tls_config={"ca_file": "none"}), **more)


@pytest.mark.parametrize("keys", [{"url": "ftp://x"}, {"url": "http://x", "capacity": 0}, {"url": "http://x", "x": 1}])
def test_settings_that_cannot_be(keys):
    with pytest.raises(ValueError, match="validation error"):
        RemoteWriteConfig.model_validate(keys)


async def test_a_stop_sends_what_waits(make):
    rig = await make(max_samples_per_send=2, min_backoff="1ms")
    rig.offer(1, 2, 3)
    await rig.writer.flush()
    assert rig.times == [[1, 2], [3]]
    assert rig.count("tocsin_remote_write_samples_total") == 3
    await rig.writer.flush()
    assert len(rig.requests) == 2


async def test_a_stop_does_not_wait_for_ever_and_tells_what_is_lost(make):
    rig = await make(url="http://127.0.0.1:1/", flush_deadline="50ms")
    rig.offer(1, 2)
    with structlog.testing.capture_logs() as logs:
        await rig.writer.flush()
    assert rig.count("tocsin_remote_write_samples_dropped_total", reason="shutdown") == 2
    assert rig.count("tocsin_remote_write_samples_queued") == 0
    assert logs[-1] == {
        "event": "remote_write_dropped", "log_level": "warning", "server": "w", "reason": "shutdown", "samples": 2,
    }  # fmt: skip


async def test_a_batch_under_way_at_the_stop_is_sent_again(make):
    rig = await make()
    asked, answer = asyncio.Event(), asyncio.Event()
    take = rig.take

    async def slow(request):
        asked.set()
        await answer.wait()
        return await take(request)

    rig.take = slow
    rig.offer(1, 2)
    task = await rig.start()
    await asked.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    answer.set()
    await rig.writer.flush()
    assert rig.times[-1] == [1, 2]
    assert rig.count("tocsin_remote_write_samples_total") == 2


async def test_the_stack_flushes_before_it_closes_the_connection(make, tmp_path):
    rig = await make()
    config = EvaluatorConfig.model_validate({"remote_write": [{"url": rig.url}]})
    async with AsyncExitStack() as stack:
        telemetry = RemoteWriteTelemetry(Telemetry("evaluator"))
        writers = await open_writers(stack, config, base=tmp_path, clock=rig.clock, telemetry=telemetry)
        offer_all(writers, 7, [{"__name__": "m"}], [7.0])
    assert rig.times == [[7]]
