"""A collector that is killed while logs are written and rotated: what it tells is exact in the end."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.fixtures.ports import free_port
from tests.integration.collector.conftest import parse

ROOT = Path(__file__).parents[4]
CONFIG = """
data_dir: data
collector:
  listen: 127.0.0.1:{port}
  targets:
    logs:
      - {{name: app, paths: [app.log], format: json, start_at: beginning, poll_interval: 100ms}}
"""
ROUNDS, LINES = 5, 400


class Collector:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "tocsin.yml").write_text(CONFIG.format(port=self.port))
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self, session: aiohttp.ClientSession) -> None:
        command = [sys.executable, "-m", "services", "collector", "--config", str(self.folder / "tocsin.yml")]
        with (self.folder / "collector.out").open("a") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)  # noqa: ASYNC220 - it returns at once
        async with asyncio.timeout(60):
            while True:
                assert self.process.poll() is None, (self.folder / "collector.out").read_text()[-2000:]
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/-/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def samples(self, session: aiohttp.ClientSession) -> dict[str, float]:
        async with session.get(f"http://127.0.0.1:{self.port}/metrics/logs") as answer:
            return parse(await answer.text())

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(60)


class Writer:
    """Writes numbered lines, every fifth an error, and rotates in the two ways in turn."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lines, self.generations = folder / "app.log", 0, 0

    def write(self, count: int) -> None:
        with self.path.open("a") as file:
            for _ in range(count):
                self.lines += 1
                level = "info" if self.lines % 5 else "error"
                file.write(f'{{"level":"{level}","event":"line {self.lines}"}}\n')

    def rotate(self) -> None:
        for number in range(self.generations, 0, -1):
            self.path.with_name(f"app.log.{number}").rename(self.path.with_name(f"app.log.{number + 1}"))
        self.generations += 1
        if self.generations % 2:
            self.path.rename(self.path.with_name("app.log.1"))
        else:
            self.path.with_name("app.log.1").write_bytes(self.path.read_bytes())
            os.truncate(self.path, 0)


async def test_killed_again_and_again_it_counts_each_line_once(tmp_path: Path) -> None:
    collector, writer = Collector(tmp_path), Writer(tmp_path)
    highest = 0.0
    async with aiohttp.ClientSession() as session:
        try:
            for turn in range(ROUNDS):
                await collector.start(session)
                writer.write(LINES)
                shown = await collector.samples(session)
                # What a scraper has seen never goes back, though the collector was killed after it.
                total = sum(value for name, value in shown.items() if name.startswith("log_lines_total"))
                assert total >= highest
                highest = total
                writer.write(LINES)
                if turn % 2:
                    writer.rotate()
                writer.write(LINES)
                collector.kill()
                writer.write(LINES)
                writer.rotate()
                writer.write(LINES)
            await collector.start(session)
            async with asyncio.timeout(60):
                while True:
                    shown = await collector.samples(session)
                    total = sum(value for name, value in shown.items() if name.startswith("log_lines_total"))
                    if total >= writer.lines:
                        break
            # A new error's series is 0 in the first answer that has it.
            shown = await collector.samples(session)
            errors = [
                value for name, value in shown.items() if name.startswith("log_errors_total") and "other" not in name
            ]
            token = (tmp_path / "data" / "secrets" / "service-token").read_text().strip()
            url = f"http://127.0.0.1:{collector.port}/errors"
            async with session.get(url) as answer:
                assert answer.status == 401
            async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
                (error,) = (await answer.json())["errors"]
        finally:
            collector.kill()
    assert total == writer.lines == ROUNDS * LINES * 5
    assert errors == [writer.lines / 5]
    assert (error["count"], error["message"]) == (writer.lines // 5, "line <n>")
    assert error["example"]["message"] == f"line {writer.lines}"
    assert shown['log_unparsed_lines_total{target="app",service="app"}'] == 0
    assert shown['log_rotations_total{target="app",service="app",kind="lost"}'] == 0
