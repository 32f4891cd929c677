"""A server of many targets that costs little: pages are made beforehand and change with time, as real exporters' do.

A page has 1,000 series: HTTP histograms, counters and gauges of one program. All targets serve the same series, as
copies of one program do; each begins at another place of the same history, so that values differ between targets. Pages
are sent as they are, never compressed.
"""

import asyncio
import bisect
import itertools
import random
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

from bench.processes import start

SERIES = 1000
STEP_SECONDS = 5.0
VERSIONS = 96
PATHS, METHODS, CODES = 20, ("GET", "POST"), ("200", "404", "500")
QUEUES = POOLS = 135
FAMILIES = 5
_PER_FAMILY = 10
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BUSIEST = 200.0
_SHARES = (0.96, 0.03, 0.01)


class _Handler:
    """One HTTP handler's histogram and requests by code; they come by its rate, durations are log-normal."""

    def __init__(self, number: int) -> None:
        path, method = divmod(number, len(METHODS))
        self._labels = f'handler="/api/v1/items/{path}",method="{METHODS[method]}"'
        self._rate = _BUSIEST / (number + 1)
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._codes = [0] * len(CODES)
        self._sum = 0.0

    def advance(self, rng: random.Random) -> None:
        mean = self._rate * STEP_SECONDS
        for _ in range(max(0, round(rng.gauss(mean, mean**0.5)))):
            seconds = rng.lognormvariate(-3, 1.2)
            self._sum += seconds
            self._counts[bisect.bisect_left(_BUCKETS, seconds)] += 1
            self._codes[rng.choices(range(len(CODES)), _SHARES)[0]] += 1

    def histogram(self) -> Iterator[str]:
        name = "http_request_duration_seconds"
        running = list(itertools.accumulate(self._counts))
        for bound, count in zip([*map(str, _BUCKETS), "+Inf"], running, strict=True):
            yield f'{name}_bucket{{{self._labels},le="{bound}"}} {count}\n'
        yield f"{name}_sum{{{self._labels}}} {self._sum!r}\n"
        yield f"{name}_count{{{self._labels}}} {running[-1]}\n"

    def requests(self) -> Iterator[str]:
        for code, count in zip(CODES, self._codes, strict=True):
            yield f'http_requests_total{{{self._labels},code="{code}"}} {count}\n'


class _Program:
    """All that one program measures; queues walk, pools drift by up to 3 % a step."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - invented measurements
        self._handlers = [_Handler(number) for number in range(PATHS * len(METHODS))]
        self._queues = [self._rng.randrange(500) for _ in range(QUEUES)]
        self._pools = [self._rng.uniform(1e3, 1e8) for _ in range(POOLS)]
        self._resident = [self._rng.uniform(1e3, 1e8) for _ in range(FAMILIES * _PER_FAMILY)]

    def advance(self) -> None:
        rng = self._rng
        for handler in self._handlers:
            handler.advance(rng)
        self._queues = [max(0, depth + rng.randrange(-7, 8)) for depth in self._queues]
        self._pools = [value * rng.uniform(0.97, 1.03) for value in self._pools]
        self._resident = [value * rng.uniform(0.97, 1.03) for value in self._resident]

    def lines(self) -> Iterator[str]:
        yield "# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n"
        for handler in self._handlers:
            yield from handler.histogram()
        yield "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n"
        for handler in self._handlers:
            yield from handler.requests()
        yield "# HELP process_queue_depth Jobs that wait.\n# TYPE process_queue_depth gauge\n"
        for number, depth in enumerate(self._queues):
            yield f'process_queue_depth{{queue="orders-{number}",shard="s{number % 7}"}} {depth}\n'
        yield "# HELP pool_memory_used_bytes Memory of a pool.\n# TYPE pool_memory_used_bytes gauge\n"
        for number, value in enumerate(self._pools):
            # Half of the gauges are whole numbers, as sizes are; half have the digits of a measurement.
            text = str(round(value)) if number % 2 else repr(value)
            yield f'pool_memory_used_bytes{{pool="pool-{number}",tier="t{number % 3}"}} {text}\n'
        for number, value in enumerate(self._resident):
            family, place = divmod(number, _PER_FAMILY)
            name = f"pool_{family:02d}_resident_bytes"
            if not place:
                yield f"# HELP {name} Resident memory of a pool.\n# TYPE {name} gauge\n"
            text = str(round(value)) if number % 2 else repr(value)
            yield f'{name}{{pool="pool-{place}",region="eu-central-1",zone="zone-{number % 3}"}} {text}\n'


def make_pages(versions: int = VERSIONS, seed: int = 1, series: int = SERIES) -> list[bytes]:
    """Return a page for each step of the history, of its last `series` series."""
    program = _Program(seed)
    pages = []
    for _ in range(versions):
        program.advance()
        lines = list(program.lines())
        pages.append("".join(lines if series == SERIES else lines[-series:]).encode())
    return pages


def changed_share(pages: list[bytes]) -> float:
    """Return which part of the samples changes from one page to the next, in the mean."""
    shares = []
    for before, after in itertools.pairwise(pages):
        pairs = zip(before.splitlines(), after.splitlines(), strict=True)
        shares.append(sum(a != b for a, b in pairs) / SERIES)
    return sum(shares) / len(shares)


class _Answer(asyncio.Protocol):
    def __init__(self, answers: list[bytes], offset: int, began: float) -> None:
        self._answers, self._offset, self._began = answers, offset, began
        self._transport: asyncio.WriteTransport | None = None
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while b"\r\n\r\n" in self._asked:
            self._asked = self._asked.partition(b"\r\n\r\n")[2]
            step = int((time.monotonic() - self._began) / STEP_SECONDS)
            if self._transport is not None:
                self._transport.write(self._answers[(step + self._offset) % len(self._answers)])


def address(number: int) -> str:
    """Return the loopback address of a target: each has its own, so that each has its own connections."""
    return f"127.0.{1 + number // 200}.{1 + number % 200}"


async def _serve(targets: int, series: int) -> None:
    loop, began = asyncio.get_running_loop(), time.monotonic()
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: "
        + f"{len(page)}\r\n\r\n".encode()
        + page
        for page in make_pages(series=series)
    ]
    port = 0
    for number in range(targets):
        # A third of the history apart at most, so that no counter falls back to its start within a run.
        offset = number % (VERSIONS // 3)
        server = await loop.create_server(partial(_Answer, answers, offset, began), address(number), port)
        port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await asyncio.Event().wait()


async def start_targets(stack: AsyncExitStack, folder: Path, targets: int, series: int = SERIES) -> list[str]:
    """Start the targets' process and return their addresses."""
    argv = [sys.executable, "-c", "from bench.exporter import main; main()", str(targets), str(series)]
    exporter = start(stack, "exporter", argv, folder, {"PYTHONPATH": str(Path(__file__).parent.parent)})
    for _ in range(600):
        text = exporter.log.read_text().strip()
        if text.isdigit():
            return [f"{address(number)}:{text}" for number in range(targets)]
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the targets did not start:\n{exporter.log.read_text()[-2000:]}")


def scrape_configs(targets: list[str]) -> list[dict[str, object]]:
    """Return the one job of both sides."""
    return [{"job_name": "bench", "static_configs": [{"targets": targets}]}]


def main() -> None:
    """Serve so many targets, with so many series each, as the arguments say; the first line of output is their port."""
    targets, series = (*map(int, sys.argv[1:]), SERIES)[:2]
    uvloop.run(_serve(targets, series))
