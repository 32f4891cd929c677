"""Which files there are, and where a file is that is no longer under its name."""

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.collector.sources.logs.model import COMPRESSED, LogTarget
from services.collector.sources.logs.position import Position, holds

# `.1`, `-20260101`, `.2026-01-01_10-00-00`, `.old`: what rotation puts behind a name or before its suffix.
_GENERATION = re.compile(r"[._-]?(?:\d[\d._:T-]*Z?|old|bak|prev|backup)")


@dataclass(frozen=True)
class Found:
    """One file that the patterns name."""

    path: str
    device: int
    inode: int
    size: int
    modified: float
    pipe: bool = False

    @property
    def identity(self) -> tuple[int, int]:
        """What tells the file from all others while it exists."""
        return self.device, self.inode


def discover(target: LogTarget, base: Path) -> tuple[list[Found], int]:
    """Return the files to follow, the newest `max_files` of them by time of change, oldest first, and how many not."""
    found: dict[tuple[int, int], Found] = {}
    for pattern in target.paths:
        whole = str(base / pattern)
        paths = [whole] if not glob.has_magic(whole) else sorted(glob.iglob(whole, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        for path in paths:
            one = None if _excluded(path, target.exclude) else _look(path)
            if one is not None:
                # A link and what it leads to are one file.
                found.setdefault(one.identity, one)
    files = sorted(found.values(), key=lambda file: file.modified)
    return files[-target.max_files :], max(0, len(files) - target.max_files)


def _excluded(path: str, patterns: Sequence[str]) -> bool:
    if path.endswith(COMPRESSED):
        return True
    name = path.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _look(path: str) -> Found | None:
    try:
        state = os.stat(path)  # noqa: PTH116 - asked of every file at every pass; a Path each costs more than the call
    except OSError:
        return None
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISFIFO(state.st_mode)):
        return None
    return Found(path, state.st_dev, state.st_ino, state.st_size, state.st_mtime, stat.S_ISFIFO(state.st_mode))


def generations(path: str) -> list[Found]:
    """Return the older generations that lie beside a log file (`app.log.1`, `app.log-20260101`, `app.2026-01-01.log`).

    Oldest first; compressed ones are left out.
    """
    folder, _, name = path.rpartition("/")
    try:
        entries = os.listdir(folder or ".")  # noqa: PTH208 - names are enough
    except OSError:
        return []
    looked = [_look(f"{folder}/{entry}") for entry in entries if is_generation(entry, name)]
    return sorted((one for one in looked if one is not None and not one.pipe), key=lambda file: file.modified)


def is_generation(entry: str, name: str) -> bool:
    """Tell whether a file's name is that of an older generation of `name`."""
    if entry.endswith(COMPRESSED) or entry == name:
        return False
    stem, dot, suffix = name.rpartition(".")
    if entry.startswith(name):
        return _GENERATION.fullmatch(entry, len(name)) is not None
    return (
        bool(stem)
        and entry.startswith(stem)
        and entry.endswith(dot + suffix)
        and (_GENERATION.fullmatch(entry, len(stem), len(entry) - len(suffix) - 1) is not None)
    )


def is_copy_of(path: str, other: str) -> bool:
    """Tell whether a path is, by its name, an older generation of another one."""
    folder, _, entry = path.rpartition("/")
    its_folder, _, name = other.rpartition("/")
    return folder == its_folder and is_generation(entry, name)


def locate(position: Position, files: Iterable[Found]) -> Found | None:
    """Return the file that holds what was read up to a position: under its name, renamed, or copied.

    The same inode wins; a file in which nothing was read yet is known by its inode alone.
    """
    here = _look(position.path)
    own = [] if here is None else [here]
    older = generations(position.path)
    same = [file for file in (*own, *files, *older) if file.inode == position.inode and file.size >= position.offset]
    if position.offset == 0:
        return same[0] if same else None
    copies = [file for file in (*own, *older) if file.inode != position.inode]
    return next((file for file in (*same, *copies) if holds(file.path, position)), None)
