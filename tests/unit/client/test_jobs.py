import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prometheus_client import CollectorRegistry

from tocsin_client import Job
from tocsin_client.pings import PingUrl


class Timer:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


class Monitor:
    """Takes reports; refuses the first `refuse` ones."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.refuse = 0
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                monitor.got.append((self.path, text))
                monitor.refuse -= 1
                self.send_response(503 if monitor.refuse >= 0 else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping/key"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    monitor = Monitor()
    monitor.thread.start()
    yield monitor
    monitor.server.shutdown()
    monitor.server.server_close()
    monitor.thread.join(10)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"job_{name}", {"job_name": "close-day", **labels})


def test_a_job_that_succeeds_and_one_that_fails(registry) -> None:
    timer = Timer()
    job = Job("close-day", registry=registry, timer=timer, now=timer)

    @job
    def close(days: int) -> int:
        """Close days."""
        assert value(registry, "running") == 1
        timer.now += 5
        return 1 // days

    assert close(1) == 1
    assert close.__doc__ == "Close days."
    assert value(registry, "last_success_timestamp_seconds") == 105
    assert value(registry, "duration_seconds_sum") == 5
    with pytest.raises(ZeroDivisionError):
        close(0)
    assert value(registry, "last_start_timestamp_seconds") == 105
    assert value(registry, "last_success_timestamp_seconds") == 105
    assert value(registry, "duration_seconds_count") == 2
    assert value(registry, "failures_total", error_type="ZeroDivisionError") == 1
    assert value(registry, "running") == 0


async def test_coroutines_and_cancelling(registry) -> None:
    job = Job("close-day", registry=registry)

    holds = asyncio.Event()

    @job
    async def close(hold: bool) -> str:
        if hold:
            holds.set()
            await asyncio.Event().wait()
        return "closed"

    assert await close(False) == "closed"
    task = asyncio.create_task(close(True))
    await holds.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert value(registry, "failures_total", error_type="CancelledError") == 1
    assert value(registry, "running") == 0


def test_reports(registry, monitor: Monitor) -> None:
    job = Job("close-day", ping_url=monitor.url + "/", registry=registry)
    with job.run():
        job.log("17 rows")
    with pytest.raises(LookupError), job.run():
        raise LookupError("no such day")
    assert monitor.got == [
        ("/ping/key/start", ""),
        ("/ping/key/log", "17 rows"),
        ("/ping/key", ""),
        ("/ping/key/start", ""),
        ("/ping/key/fail", "LookupError: no such day"),
    ]
    assert value(registry, "ping_failures_total") is None


async def test_reports_of_a_coroutine(registry, monitor: Monitor) -> None:
    job = Job("close-day", ping_url=monitor.url, registry=registry)

    @job
    async def close(fail: bool) -> None:
        if fail:
            raise OSError("x")

    await close(False)
    with pytest.raises(OSError):
        await close(True)
    assert [path for path, _ in monitor.got] == ["/ping/key/start", "/ping/key", "/ping/key/start", "/ping/key/fail"]


def test_a_report_is_tried_twice(registry, monitor: Monitor) -> None:
    monitor.refuse = 1
    assert PingUrl(monitor.url).send("start")
    assert [path for path, _ in monitor.got] == ["/ping/key/start"] * 2
    monitor.refuse = 2
    assert not PingUrl(monitor.url).send("start")


def test_a_monitor_that_is_away_harms_no_job(registry) -> None:
    job = Job("close-day", ping_url="http://127.0.0.1:1/ping/key", registry=registry)
    with job.run():
        pass
    assert value(registry, "ping_failures_total") == 2
    assert value(registry, "last_success_timestamp_seconds") is not None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ping/key", "https://"])
def test_only_http(url: str) -> None:
    with pytest.raises(ValueError, match="is an HTTP address"):
        Job("x", ping_url=url, registry=CollectorRegistry())
