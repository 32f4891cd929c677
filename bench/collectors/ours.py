"""Our collector as a process of its own, for one kind of target."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from bench.collectors.measure import Subject
from bench.processes import free_port, start, wait_ready


async def start_collector(
    stack: AsyncExitStack,
    folder: Path,
    kind: str,
    targets: Sequence[Mapping[str, Any]],
    *,
    name: str = "tocsin",
    path: str | None = None,
) -> Subject:
    """Start a collector with these targets of one kind; `path` is the page to measure in place of the kind's."""
    port, home = free_port(), folder / name
    home.mkdir()
    config = {
        "data_dir": str(home / "data"),
        "collector": {"listen": f"127.0.0.1:{port}", "targets": {kind: [dict(target) for target in targets]}},
    }
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    side = start(stack, name, [sys.executable, "-m", "services", "collector", "--config", "tocsin.yml"], home)
    base = f"http://127.0.0.1:{port}"
    await wait_ready(side, f"{base}/-/ready")
    return Subject(name, base + (path or f"/metrics/{kind}"), side.process.pid)
