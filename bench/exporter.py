"""A server of many targets that costs little: pages are made beforehand and change with time, as real exporters' do.

A page has 1,000 series of about 94 bytes a line: HTTP histograms, counters and gauges of one program. All targets serve
the same series; each begins at another place of the same history, so that values differ between targets. Pages are
sent as they are, never compressed.
"""

import asyncio
import bisect
import itertools
import random
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import cast

import uvloop

SERIES = 1000
STEP_SECONDS = 5.0
VERSIONS = 96
GAUGE_FAMILIES = 20
_HANDLERS = 48
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COUNTERS = 128
_GAUGES = 200
_BUSIEST = 200.0


class _Handler:
    """One HTTP handler's histogram; requests come by its rate, durations are log-normal."""

    def __init__(self, number: int) -> None:
        self._labels = f'handler="/api/v1/resource{number}",method="GET",status="200"'
        self._rate = _BUSIEST / (number + 1)
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def advance(self, rng: random.Random) -> None:
        mean = self._rate * STEP_SECONDS
        for _ in range(max(0, round(rng.gauss(mean, mean**0.5)))):
            seconds = rng.lognormvariate(-3, 1.2)
            self._sum += seconds
            self._counts[bisect.bisect_left(_BUCKETS, seconds)] += 1

    def lines(self) -> Iterator[str]:
        name = "http_request_duration_seconds"
        running = list(itertools.accumulate(self._counts))
        for bound, count in zip([*map(str, _BUCKETS), "+Inf"], running, strict=True):
            yield f'{name}_bucket{{{self._labels},le="{bound}"}} {count}\n'
        yield f"{name}_sum{{{self._labels}}} {self._sum!r}\n"
        yield f"{name}_count{{{self._labels}}} {running[-1]}\n"


def make_pages(versions: int = VERSIONS, seed: int = 1, series: int = SERIES) -> list[bytes]:
    """Return a page for each step of the history, of its last `series` series."""
    rng = random.Random(seed)  # noqa: S311 - invented measurements
    handlers = [_Handler(number) for number in range(_HANDLERS)]
    counters = [0] * _COUNTERS
    gauges = [rng.uniform(1e3, 1e8) for _ in range(_GAUGES)]
    pages = []
    for _ in range(versions):
        for handler in handlers:
            handler.advance(rng)
        counters = [count + rng.randrange(1 + number) for number, count in enumerate(counters)]
        gauges = [value * rng.uniform(0.97, 1.03) for value in gauges]
        lines = list(_page(handlers, counters, gauges))
        pages.append("".join(lines if series == SERIES else lines[-series:]).encode())
    return pages


def _page(handlers: list[_Handler], counters: list[int], gauges: list[float]) -> Iterator[str]:
    yield "# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n"
    for handler in handlers:
        yield from handler.lines()
    yield "# HELP job_events_total Events seen by the workers.\n# TYPE job_events_total counter\n"
    for number, count in enumerate(counters):
        labels = f'queue="queue{number % 16}",kind="kind{number}",worker="worker-{number % 8}"'
        yield f"job_events_total{{{labels}}} {count}\n"
    for number, value in enumerate(gauges):
        name = f"pool_{number % GAUGE_FAMILIES:02d}_resident_bytes"
        if number < GAUGE_FAMILIES:
            yield f"# HELP {name} Memory of a pool.\n# TYPE {name} gauge\n"
        # Half of the gauges are whole numbers, as sizes are; half have the digits of a measurement.
        text = str(round(value)) if number % 2 else repr(value)
        labels = f'pool="pool-{number // GAUGE_FAMILIES}",region="eu-central-1",zone="zone-{number % 3}"'
        yield f"{name}{{{labels}}} {text}\n"


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


def main() -> None:
    """Serve so many targets, with so many series each, as the arguments say; the first line of output is their port."""
    targets, series = (*map(int, sys.argv[1:]), SERIES)[:2]
    uvloop.run(_serve(targets, series))
