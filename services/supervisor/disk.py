"""Room on the disk of the data folder, watched so that a full disk is announced before it bites."""

import shutil
from pathlib import Path

from services.common.clock import Clock
from services.supervisor.console import Console
from services.supervisor.process import Notice

MIN_FREE = 200 * 1000**2
POLL_SECONDS = 15.0


def low_space(folder: Path) -> Notice | None:
    """Return a warning when less than `MIN_FREE` bytes are free."""
    free = shutil.disk_usage(folder).free
    if free >= MIN_FREE:
        return None
    return Notice(
        "warning",
        "low space",
        f"only {free / 1000**2:.0f} MB free in {folder}; below {MIN_FREE / 1000**2:.0f} MB history and alert state may "
        "not be kept: free space or move data_dir",
    )


async def watch_space(folder: Path, clock: Clock, console: Console) -> None:
    """Tell the console when space gets low, and when there is enough again; runs until cancelled."""
    low = False
    while True:
        notice = low_space(folder)
        if notice is not None and not low:
            console.notice("disk", notice)
        elif notice is None and low:
            console.event("disk", "ok", "enough space again")
        low = notice is not None
        await clock.sleep(POLL_SECONDS)
