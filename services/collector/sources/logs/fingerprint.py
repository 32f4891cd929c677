"""What makes two errors the same: exception type, message without what varies, and the app's innermost frames."""

import re
from collections.abc import Sequence
from hashlib import blake2s

from services.collector.sources.logs.record import Frame, Record

_FRAMES = 3
_LONGEST = 300
_READ = 2000
# Code of others: a new release of a library must not make new errors of the app's old ones.
_OTHERS = re.compile(
    r"/site-packages/|/dist-packages/|/lib/python\d|/node_modules/|^node:|^<frozen|^<string>|^internal/"
)
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"<>)\]]+", re.IGNORECASE), "<url>"),
    # An apostrophe within a word (can't, user's) quotes nothing.
    (re.compile(r"\"(?:[^\"\\\n]|\\.){0,500}\"|(?<!\w)[bru]?'(?:[^'\\\n]|\\.){0,500}'(?!\w)|`[^`\n]{0,500}`"), "<str>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "<email>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"(?<![\w<])(?:[A-Za-z]:\\|\.{0,2}/)[\w.@~+-]+(?:[\\/][\w.@~+-]*)*"), "<path>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<hex>"),
    # Before what looks like a hash: 1.0000000002e+16 has such a part.
    (re.compile(r"(?<![\w<.])[+-]?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]\d+)(?![\w.])", re.IGNORECASE), "<n>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"(?<![A-Za-z_<\d])[+-]?\d[\d_]*(?:[.,:]\d+)*(?:e[+-]?\d+)?", re.IGNORECASE), "<n>"),
    # `worker3` and `worker12` are one kind of name; `utf8` loses its number with them, which does no harm.
    (re.compile(r"(?<=[A-Za-z_])\d+"), "<n>"),
)


def normalise(message: str) -> str:
    """Return a message with numbers, ids, addresses, times, paths and quoted texts replaced by their kind.

    One line, at most 300 characters; of a longer message its first 2,000 are looked at.
    """
    text = " ".join(_ANSI.sub("", message[:_READ]).split())
    for shape, word in _SHAPES:
        text = shape.sub(word, text)
    return text[:_LONGEST]


def app_frames(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Return the innermost frames of the app itself, as `folder/file.py:function`; of all code where it has none.

    Only the last folder counts: where an app is installed must not change its errors. Repeats (recursion) count once.
    """
    own = [frame for frame in frames if not _OTHERS.search(frame.file)] or list(frames)
    found: list[str] = []
    for frame in reversed(own):
        parts = frame.file.replace("\\", "/").split("/")
        text = f"{'/'.join(parts[-2:])}:{frame.function}"
        if text not in found:
            found.append(text)
        if len(found) == _FRAMES:
            break
    return tuple(found)


def identify(record: Record) -> tuple[str, str, str]:
    """Return (fingerprint, type, normalised message) of an error.

    The fingerprint is 12 hexadecimal digits, the same in every process and after every restart. Without an exception
    the type is the error's code (SQLSTATE), else the name of the logger.
    """
    failure = record.failure
    if failure is not None and failure.type:
        kind, message, frames = failure.type, normalise(failure.message), app_frames(failure.frames)
    else:
        kind, message, frames = record.code or record.logger, normalise(record.message), ()
    # Some loggers write an exception's module, some only its name.
    text = "\x00".join((kind.rpartition(".")[2] if failure is not None else kind, message, *frames))
    return blake2s(text.encode("utf-8", "replace"), digest_size=6).hexdigest(), kind, message
