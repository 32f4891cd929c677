"""Run the comparisons that the arguments name, or all."""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from bench.collectors import celery, postgres, probes, redis
from bench.collectors.measure import Comparison, write_json

Compare: TypeAlias = Callable[[AsyncExitStack, Path, bool], Awaitable[Sequence[Comparison]]]
COMPARISONS: dict[str, Compare] = {
    "postgres": postgres.compare,
    "redis": redis.compare,
    "probes": probes.compare,
    "celery": celery.compare,
}
"""One line a peer: starts its servers on the stack, in the folder; the last argument asks for fewer rounds."""


def _folder(stack: AsyncExitStack) -> Path:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
    # Servers write here under another user, so that the folder must let others through.
    folder.chmod(0o755)
    return folder


async def _run(names: Sequence[str], console: Console, *, quick: bool) -> list[Comparison]:
    found: list[Comparison] = []
    for name in names:
        async with AsyncExitStack() as stack:
            folder = _folder(stack)
            for comparison in await COMPARISONS[name](stack, folder, quick):
                comparison.show(console)
                found.append(comparison)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when all limits are kept, 1 when one is missed."""
    parser = argparse.ArgumentParser(description="What one scrape costs, beside the peers' exporters.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARISONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    given = parser.parse_args(argv)
    unknown = [name for name in given.names if name not in COMPARISONS]
    if unknown:
        parser.error(f"there is no comparison {unknown[0]!r}; there are: {', '.join(COMPARISONS)}")
    console = Console()
    found = asyncio.run(_run(given.names or list(COMPARISONS), console, quick=given.quick))
    if given.json is not None:
        write_json(given.json, found)
    missed = [f"{one.title}: {name}" for one in found for name in one.missed()]
    for line in missed:
        console.print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
