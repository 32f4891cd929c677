"""Where reading stands in a file, in a form that knows the file again after renames, copies and reboots."""

import os
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path

_WINDOW = 256


@dataclass
class Position:
    """What is remembered of one file."""

    path: str
    inode: int
    offset: int
    """The first byte that has not been counted."""
    signature: str
    """Digest of the up to 256 bytes before `offset`: a file that has them there is this file, or a copy of it."""
    skipping: bool = False
    """In the middle of a line that was cut: go on after its end."""
    gone: bool = False
    """No pattern names the file any more: it is read for a while only, and nothing is lost with it."""


def signature_at(descriptor: int, offset: int) -> str:
    """Return the signature of an open file at an offset, "" where the file is shorter."""
    length = min(_WINDOW, offset)
    data = os.pread(descriptor, length, offset - length)
    return blake2s(data, digest_size=16).hexdigest() if len(data) == length else ""


def holds(path: str, position: Position) -> bool:
    """Tell whether the file at a path has what was read before the position; not so for a file that can't be read."""
    if position.offset == 0:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return signature_at(descriptor, position.offset) == position.signature
    except OSError:
        return False
    finally:
        os.close(descriptor)


def starts_alike(one: str, other: str) -> bool:
    """Tell whether two files begin with the same bytes, as far as the first of them goes."""
    try:
        with Path(one).open("rb") as first, Path(other).open("rb") as second:
            head = first.read(_WINDOW)
            return head == second.read(len(head))
    except OSError:
        return False
