"""What the comparison of collectors measures and judges."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bench.collectors.__main__ import COMPARISONS, main
from bench.collectors.measure import Comparison, Subject, Usage, Watched, cpu_seconds, measure, resident_mib, write_json

USAGE = Usage("ours", 10, 5.0, 9.0, 2.0, None, 40.0, {"statements": 20.0})


@pytest.fixture
def exporter() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 500)
            self.end_headers()
            self.wfile.write(b"# HELP a A.\na 1\nb 2\n\n")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_samples_times_and_what_the_target_did_for_one_scrape(exporter: str) -> None:
    done = 0.0

    async def counter() -> Mapping[str, float]:
        nonlocal done
        done += 12.0
        return {"statements": done}

    usage = await measure(Subject("one", f"{exporter}/metrics", os.getpid()), Watched(os.getpid(), counter), rounds=5)
    assert usage.samples == 2
    assert 0 < usage.wall_p50_ms <= usage.wall_p95_ms
    assert usage.on_target == {"statements": 4.0}
    assert usage.target_cpu_ms is not None
    assert usage.rss_mib > 10


async def test_a_scrape_that_fails_is_no_figure(exporter: str) -> None:
    with pytest.raises(aiohttp.ClientResponseError):
        await measure(Subject("one", f"{exporter}/wrong", os.getpid()), Watched(), rounds=1)


def test_cpu_of_children_counts_living_and_reaped() -> None:
    before = cpu_seconds(os.getpid())
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.15
    assert cpu_seconds(2**22 + 1) == 0.0
    assert resident_mib(os.getpid()) > 10


def test_a_limit_that_is_passed_or_was_not_measured_is_missed(tmp_path: Path) -> None:
    limits = {"own_cpu_ms": 2.0, "statements": 19.0, "target_cpu_ms": 5.0}
    one = Comparison("title", USAGE, [USAGE], limits, ["a note"])
    assert one.missed() == ["statements", "target_cpu_ms"]
    text = StringIO()
    one.show(Console(file=text, width=120))
    assert "≤ 19 MISSED" in text.getvalue()
    assert "a note" in text.getvalue()
    write_json(tmp_path / "figures.json", [one])
    assert json.loads((tmp_path / "figures.json").read_text())[0]["missed"] == ["statements", "target_cpu_ms"]


def test_a_name_that_is_unknown_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nobody"])
    said = capsys.readouterr().err
    assert "no comparison 'nobody'" in said
    assert all(name in said for name in COMPARISONS)
