"""What the client's middleware costs an app: CPU per request of a FastAPI app with and without it, in one process.

Requests are given to the app as a server would, so that the server's own cost is no part of it; rounds alternate. The
peer, prometheus-fastapi-instrumentator 8.1, is in no package list of ours: its figure (+50 µs a request, on a machine
of this kind, over HTTP) is of an earlier run.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from rich.console import Console

from bench.report import Figure, Report, arguments, median
from tocsin_client import TocsinMiddleware
from tocsin_client.families import FamilyName
from tocsin_client.types import ASGIApp

_PEER_US = 50.0
_GOAL = 0.5
_REQUESTS = 2000
_SCOPE: dict[str, Any] = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
    "path": "/items/7", "raw_path": b"/items/7", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
    "headers": [(b"host", b"shop"), (b"accept", b"*/*"), (b"user-agent", b"bench"), (b"accept-encoding", b"gzip")],
}  # fmt: skip
_TRACED = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def _shop() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    return app


def _watched(*compat: FamilyName) -> TocsinMiddleware:
    return TocsinMiddleware(_shop(), registry=CollectorRegistry(), compat=compat)


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_message: Any) -> None:
    pass


async def _cpu_us(app: ASGIApp, extra: Sequence[tuple[bytes, bytes]]) -> float:
    gc.collect()
    headers = [*_SCOPE["headers"], *extra]
    start = time.process_time()
    for _ in range(_REQUESTS):
        await app({**_SCOPE, "headers": headers}, _receive, _send)
    return (time.process_time() - start) * 1e6 / _REQUESTS


async def measure(rounds: int) -> tuple[float, dict[str, float]]:
    """Return the app's own microseconds a request, and what each way of watching adds (medians over the rounds)."""
    plain = _shop()
    sides: dict[str, tuple[ASGIApp, Sequence[tuple[bytes, bytes]]]] = {
        "added a request": (_watched("instrumentator"), ()),
        "added, with exemplars": (_watched("instrumentator"), [_TRACED]),
        "added, all three families": (_watched("instrumentator", "fastapi", "otel"), ()),
    }
    added: dict[str, list[float]] = {name: [] for name in sides}
    base = []
    for number in range(rounds + 1):
        for name, (app, extra) in sides.items():
            without = await _cpu_us(plain, extra)
            more = await _cpu_us(app, extra) - without
            # The first round warms up.
            if number:
                base.append(without)
                added[name].append(more)
    return median(base), {name: median(values) for name, values in added.items()}


def main() -> int:
    """Run as a program."""
    given = arguments(__doc__ or "")
    base, added = asyncio.run(measure(5 if given.quick else 25))
    report = Report("CPU of the client's middleware")
    for name, value in added.items():
        report.figures.append(Figure(name, value, _PEER_US, "µs", _GOAL if name == "added a request" else None))
    report.notes.append(f"the app itself takes {base:.0f} µs a request")
    return report.finish(Console(), given.json)


if __name__ == "__main__":
    sys.exit(main())
