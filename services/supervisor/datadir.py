"""The folder where one Tocsin keeps everything: secrets, embedded servers, logs, what runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.tokens import ensure_token_file


class DataDirError(RuntimeError):
    """The folder can't be used; the message says why and what to do."""


class DataDir:
    """Names the places below `root` and makes them, closed to other users."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.secrets = self.root / "secrets"
        self.run = self.root / "run"
        self.log = self.root / "log"

    def create(self) -> None:
        """Make what is missing; raises DataDirError."""
        try:
            # Others may pass through (the servers that must not be root live below), but see nothing.
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
            for folder in (self.secrets, self.run, self.log):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DataDirError(f"{error.filename}: {error.strerror}; set data_dir to a folder of yours") from error
        if not os.access(self.run, os.W_OK | os.X_OK):
            raise DataDirError(
                f"{self.root} belongs to another user; run as that user or set data_dir to another folder"
            )

    def secret(self, name: str) -> str:
        """Return the secret of that name, made at first use."""
        return ensure_token_file(self.secrets / name)

    def write_secret(self, name: str, text: str) -> Path:
        """Replace a secret file as a whole; readable by the owner only."""
        return write_private(self.secrets / name, text)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel frees it however the process ends. Raises DataDirError."""
        path = self.run / "supervisor.lock"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = file.read().strip() or "unknown"
                raise DataDirError(
                    f"another tocsin (pid {owner}) uses {self.root}; stop it or set data_dir to another folder"
                ) from error
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            file.seek(0)
            file.truncate()


def write_private(path: Path, text: str) -> Path:
    """Write a file (mode 0600) so that a reader sees the old text or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.rename(path)
    return path
