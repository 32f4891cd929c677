"""Notices changes of files, so that what they say is in force within moments."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from watchfiles import Change, awatch

_SETTLE_MS = 300
# watchfiles wakes a thread at each step, changes or not: at 30 ms that alone cost a quarter of a per cent of a core.
_STEP_MS = 200


async def watch_files(
    patterns: Iterable[Path], on_change: Callable[[], Awaitable[None]], *, stop: asyncio.Event | None = None
) -> None:
    """Call `on_change` after each change of a file that one of the patterns names (globs in the last part).

    Watches the folders, so that files which editors and config maps replace, and new ones, are seen too. Returns
    when `stop` is set or when none of the folders exists.
    """
    wanted = [(pattern.parent.resolve(), pattern.name) for pattern in patterns]
    folders = {folder for folder, _ in wanted if folder.is_dir()}
    if not folders:
        return

    def concerns(_change: Change, path: str) -> bool:
        # Config maps swap a link called ..data, which no pattern names.
        changed = Path(path)
        return changed.name == "..data" or any(
            changed.parent == folder and changed.match(name) for folder, name in wanted
        )

    async for _changes in awatch(
        *folders, watch_filter=concerns, debounce=_SETTLE_MS, step=_STEP_MS, recursive=False, stop_event=stop
    ):
        await on_change()
