"""Configuration of one service's logs."""

from typing import Annotated

from pydantic import AfterValidator, ByteSize, Field, model_validator

from services.collector.sources.base import TargetModel
from services.collector.sources.logs.formats import BY_KEY
from services.common.durations import Duration

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4")
_KIB, _MIB = 1024, 1024**2


def _known(key: str) -> str:
    if key not in BY_KEY:
        raise ValueError(f"{key!r} is not a format; choose one of {', '.join(sorted(BY_KEY))}")
    return key


def _readable(path: str) -> str:
    if not path or path.endswith("/"):
        raise ValueError(f"{path!r} names no file; write a path or a pattern like /var/log/shop/*.log")
    if path.endswith(COMPRESSED):
        raise ValueError(
            f"{path!r} is compressed; name the file that is written to, older ones are found by themselves"
        )
    return path


class LogTarget(TargetModel):
    """The files that one service writes."""

    service: str = Field(default="", max_length=100)
    """The label `service`; default: the target's name."""
    paths: tuple[Annotated[str, AfterValidator(_readable)], ...] = Field(min_length=1)
    """Files and patterns (`*`, `?`, `[…]`, `**`), or named pipes."""
    exclude: tuple[str, ...] = ()
    """Patterns of files that are not read; compressed ones never are."""
    format: Annotated[str, AfterValidator(_known)] = "auto"
    start_at: Annotated[str, Field(pattern="^(end|beginning)$")] = "end"
    """Where to begin in what is there when the logs are watched for the first time."""
    poll_interval: Duration = Field(default=1.0, ge=0.1)
    flush_after: Duration = Field(default=1.0, gt=0)
    """How long a record's further lines (a traceback's) are waited for."""
    rotate_wait: Duration = Field(default=60.0, ge=0)
    """How long a file that was rotated away is still read, for writers that have not yet opened the new one."""
    max_line: ByteSize = Field(default=ByteSize(64 * _KIB), ge=256, le=16 * _MIB)
    """A longer line is cut there."""
    max_backlog: ByteSize = Field(default=ByteSize(64 * _MIB), ge=64 * _KIB)
    """With more than this unread in a file, reading goes on at its end."""
    max_files: int = Field(default=200, ge=1, le=10_000)
    max_fingerprints: int = Field(default=100, ge=1, le=10_000)
    """Errors of more kinds than this are counted as fingerprint `other`."""
    forget_after: Duration = Field(default=7 * 86_400.0, ge=3600)
    """An error that has not come for so long loses its series and its example."""

    @property
    def label(self) -> str:
        """The value of the label `service`."""
        return self.service or self.name

    @model_validator(mode="after")
    def _distinct(self) -> "LogTarget":
        if len(set(self.paths)) != len(self.paths):
            raise ValueError("a path stands twice in paths; take one of them out")
        return self
