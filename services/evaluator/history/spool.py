"""The backlog on disk: one file for each chunk, oldest first, bounded."""

import fcntl
import os
import threading
from contextlib import ExitStack
from pathlib import Path

import structlog

from services.evaluator.history.chunk import BadChunkError, Chunk
from services.evaluator.history.intake import Dropped

_MOST_COPIES = 64
_SUFFIX = ".chunk"
log = structlog.get_logger(__name__)


class SpoolError(OSError):
    """The folder can't be used; the message says what to do."""


class Spool:
    """Files named `<number>-<newest ms>-<rows>.chunk`. Its methods wait for the disk: call them in a thread."""

    def __init__(self, folder: Path, max_bytes: int, dropped: Dropped) -> None:
        self._folder, self._max_bytes, self._dropped = folder, max_bytes, dropped
        # A cancelled call goes on in its thread while the next one begins.
        self._lock = threading.RLock()
        self._sizes = {path: path.stat().st_size for path in sorted(folder.glob(f"*{_SUFFIX}"))}
        self._next = max((int(path.name.partition("-")[0]) for path in self._sizes), default=0) + 1
        for left in folder.glob("*.part"):
            left.unlink()

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(self._sizes.values())

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk; the oldest are dropped when there is no room. Raises OSError."""
        with self._lock:
            self._add(chunk)

    def _add(self, chunk: Chunk) -> None:
        name = f"{self._next:012d}-{chunk.newest_ms}-{len(chunk.rows)}{_SUFFIX}"
        payload = chunk.encode()
        part, path = self._folder / f"{name}.part", self._folder / name
        with part.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        self._next += 1
        self._sizes[path] = len(payload)
        while self.size > self._max_bytes and len(self._sizes) > 1:
            self._drop(next(iter(self._sizes)), "backlog_full")

    def oldest(self) -> tuple[Path, Chunk] | None:
        """Return the oldest chunk that can be read; None when there is none."""
        with self._lock:
            while self._sizes:
                path = next(iter(self._sizes))
                try:
                    return path, Chunk.decode(path.read_bytes())
                except (OSError, BadChunkError) as error:
                    log.warning("history_chunk_unreadable", file=str(path), error=str(error))
                    self._drop(path, "unreadable")
            return None

    def done(self, path: Path) -> None:
        """Forget a chunk that was written."""
        with self._lock:
            self._sizes.pop(path, None)
            path.unlink(missing_ok=True)

    def drop_before(self, t_ms: int) -> None:
        """Forget chunks with nothing newer than that; somebody else has written them."""
        with self._lock:
            for path in [path for path in self._sizes if int(path.name.split("-")[1]) < t_ms]:
                self.done(path)

    def _drop(self, path: Path, reason: str) -> None:
        self._dropped(reason, int(path.stem.rpartition("-")[2]))
        self.done(path)


def own_folder(stack: ExitStack, root: Path) -> Path:
    """Return a folder below `root` that this process alone uses until the stack closes; raises SpoolError.

    Evaluators that share a data folder get one each; after a crash the next one finds the first free one, with what
    was left in it.
    """
    for number in range(_MOST_COPIES):
        folder = root / str(number)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = stack.enter_context((folder / "lock").open("wb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError as error:
            raise SpoolError(f"{folder}: {error.strerror}; set data_dir to a folder that can be written") from error
        return folder
    raise SpoolError(f"{root}: all {_MOST_COPIES} folders are in use; give each evaluator a data_dir of its own")
