"""Targets for benchmarks: one process that serves N pages of 1,000 series, whose values change with every second.

`python -m bench.series_server --targets 100` prints its port and serves `/metrics/0` … `/metrics/99`. Each page is
prebuilt; a request only writes the digits anew: values have a fixed width, so that a page costs its server little.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SERIES_PER_TARGET = 1000
_DIGITS = 12
_LE = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
_POWERS = 10 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.int64)
PATHS, METHODS, CODES = 20, ("GET", "POST"), ("200", "404", "500")


def series_of_page() -> list[tuple[str, str, int]]:
    """Return name with labels, kind and steepness of the 1,000 series of a page.

    40 histograms of 12 buckets with sum and count, 120 counters, 320 gauges.
    """
    out: list[tuple[str, str, int]] = []
    for path in range(PATHS):
        for method in METHODS:
            labels = f'handler="/api/v1/items/{path}",method="{method}"'
            out += [
                (f'http_request_duration_seconds_bucket{{{labels},le="{le}"}}', "counter", (place + 1) * 3)
                for place, le in enumerate(_LE)
            ]
            out.append((f"http_request_duration_seconds_sum{{{labels}}}", "counter", 7))
            out.append((f"http_request_duration_seconds_count{{{labels}}}", "counter", len(_LE) * 3))
            out += [
                (f'http_requests_total{{{labels},code="{code}"}}', "counter", 30 // (place * place * 5 + 1))
                for place, code in enumerate(CODES)
            ]
    out += [(f'process_queue_depth{{queue="orders-{n}",shard="s{n % 7}"}}', "gauge", n + 1) for n in range(160)]
    out += [(f'pool_memory_used_bytes{{pool="pool-{n}",tier="t{n % 3}"}}', "gauge", n * 17 + 3) for n in range(160)]
    assert len(out) == SERIES_PER_TARGET
    return out


_ORDER = (
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_sum",
    "http_request_duration_seconds_count",
    "http_requests_total",
    "process_queue_depth",
    "pool_memory_used_bytes",
)


@dataclass
class Page:
    """The bytes of a page and where its digits stand."""

    body: NDArray[np.uint8]
    places: NDArray[np.int64]
    steepness: NDArray[np.int64]
    is_gauge: NDArray[np.bool_]


def build_page() -> Page:
    """Return the page that all targets share."""
    series = sorted(series_of_page(), key=lambda one: _ORDER.index(one[0].partition("{")[0]))
    lines, place, places, named = [], 0, [], set[str]()
    for text, kind, _ in series:
        family = text.partition("{")[0]
        base = family.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        if base not in named:
            named.add(base)
            kind_of = "histogram" if base.endswith("seconds") else kind
            comment = f"# TYPE {base} {kind_of}\n"
            lines.append(comment)
            place += len(comment)
        places.append(place + len(text) + 1)
        lines.append(f"{text} {'0' * _DIGITS}\n")
        place += len(lines[-1])
    return Page(
        np.frombuffer("".join(lines).encode(), np.uint8).copy(),
        np.array(places, np.int64)[:, None] + np.arange(_DIGITS),
        np.array([one[2] for one in series], np.int64),
        np.array([one[1] == "gauge" for one in series]),
    )


def render(page: Page, target: int, second: int) -> bytes:
    """Write the digits for a target and a second."""
    rising = page.steepness * (second % 10_000_000) + target
    mixed = ((page.steepness + target) * 2654435761 + second * 40503) % 99_991
    digits = np.where(page.is_gauge, mixed, rising)[:, None] // _POWERS % 10
    page.body[page.places] = digits + ord("0")
    return page.body.tobytes()


class TargetServer(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and no more than a scrape needs."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._transport: asyncio.WriteTransport | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._read += data
        while b"\r\n\r\n" in self._read and self._transport is not None:
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            number = head.split(b" ", 2)[1].rpartition(b"/")[2]
            body = render(self._page, int(number) if number.isdigit() else 0, int(asyncio.get_running_loop().time()))
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: "
                + str(len(body)).encode()
                + b"\r\n\r\n"
                + body
            )


async def serve() -> None:
    """Listen on a free port, print it, and go on until stopped."""
    page = build_page()
    server = await asyncio.get_running_loop().create_server(lambda: TargetServer(page), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> int:
    """Run as a program."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    asyncio.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
