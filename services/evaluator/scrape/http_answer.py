"""An HTTP/1.1 answer to a GET, taken in as it comes."""

import zlib
from collections.abc import Mapping

from services.evaluator.scrape.errors import ScrapeError

_MAX_HEAD = 64 * 1024
_MAX_CHUNK_LINE = 1024
_LENGTH_UNKNOWN = -1
_END_OF_HEAD = b"\r\n\r\n"
_HEX = b"0123456789abcdefABCDEF"
_WITHOUT_BODY = frozenset({204, 304})


class Answer:
    """One answer: `feed` it until it is `complete`; `status`, `headers` (names in lower case) and `body` are for then.

    A body is bounded by `limit` bytes both as it comes and decompressed. Raises ScrapeError for what is too large and
    for what is not HTTP/1.x.
    """

    def __init__(self, limit: int) -> None:
        self.status, self.reason = 0, ""
        self.headers: Mapping[str, str] = {}
        self.complete = False
        self.began = False
        self.keep_alive = True
        self._limit = limit
        self._head: bytes | None = b""
        self._missing = 0
        self._chunks: _Chunks | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take what came; what follows a complete answer makes the connection unfit for another."""
        self.began = True
        if self._head is not None:
            data = self._head + data if self._head else data
            end = data.find(_END_OF_HEAD)
            if end < 0:
                if len(data) > _MAX_HEAD:
                    raise ScrapeError("unreachable", "the answer's headers are too large")
                self._head = data
                return
            head, data = data[:end], data[end + len(_END_OF_HEAD) :]
            self._head = None
            self._read_head(head)
            if self.status < 200:  # noqa: PLR2004 - HTTP's interim answers, such as 103 Early Hints
                self._head = b""
                if data:
                    self.feed(data)
                return
        if data or self._missing == 0:
            self._read_body(data)

    def end(self) -> None:
        """Note that the connection is closed; raises ScrapeError when something is missing."""
        if self._head is None and self._missing == _LENGTH_UNKNOWN and self._chunks is None:
            self.complete = True
        if not self.complete:
            raise ScrapeError("unreachable", "the connection was closed before the answer's end")

    def take(self, status: int, reason: str, headers: Mapping[str, str], body: bytes | bytearray) -> None:
        """Be an answer that another client read; its headers say nothing of how it was sent."""
        self.status, self.reason, self.headers = status, reason, headers
        self._parts, self.complete = [bytes(body)], True

    @property
    def body(self) -> bytes:
        """The body, decompressed."""
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding in {"", "identity"}:
            return body
        if coding not in {"gzip", "x-gzip"}:
            raise ScrapeError("format", f"the answer is compressed by {coding}, which was not asked for")
        return _gunzip(body, self._limit)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        code, _, self.reason = rest.partition(" ")
        if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
            raise ScrapeError("unreachable", f"not an HTTP/1.1 answer: {first[:80]!r}")
        self.status = int(code)
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.headers = headers
        connection = headers.get("connection", "").lower()
        self.keep_alive = "close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection)
        self._expect_body(headers)

    def _expect_body(self, headers: Mapping[str, str]) -> None:
        coding = headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "")
        if self.status in _WITHOUT_BODY:
            self._missing = 0
        elif coding:
            if coding != "chunked":
                raise ScrapeError("unreachable", f"unknown Transfer-Encoding {coding!r}")
            self._chunks, self._missing = _Chunks(), _LENGTH_UNKNOWN
        elif length:
            if not (length.isascii() and length.isdigit()):
                raise ScrapeError("unreachable", f"Content-Length {length!r} is no number")
            self._missing = int(length)
            self._check(self._missing)
        else:
            self._missing, self.keep_alive = _LENGTH_UNKNOWN, False

    def _read_body(self, data: bytes) -> None:
        if self._chunks is not None:
            for part in self._chunks.feed(data):
                self._add(part)
            self.complete = self._chunks.ended
            if self.complete and self._chunks.rest:
                self.keep_alive = False
        elif self._missing == _LENGTH_UNKNOWN:
            self._add(data)
        else:
            if len(data) > self._missing:
                data, self.keep_alive = data[: self._missing], False
            self._missing -= len(data)
            self._add(data)
            self.complete = self._missing == 0

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        self._check(self._size)
        self._parts.append(part)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise too_large(self._limit)


class _Chunks:
    """The parts of a chunked body."""

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self._missing = 0
        self._trailer = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the parts that came; raises ScrapeError."""
        data, self.rest = self.rest + data, b""
        found, place = [], 0
        while not self.ended and place < len(data):
            if self._missing > 2:  # noqa: PLR2004 - the line break that ends a chunk
                part = data[place : place + self._missing - 2]
                found.append(part)
                place += len(part)
                self._missing -= len(part)
                continue
            line_end = data.find(b"\r\n", place)
            if line_end < 0:
                if len(data) - place > _MAX_CHUNK_LINE:
                    raise ScrapeError("unreachable", "a chunk of the answer has no size")
                break
            self._read_line(data[place:line_end])
            place = line_end + 2
        self.rest = data[place:]
        return found

    def _read_line(self, line: bytes) -> None:
        if self._trailer:
            self.ended = not line
        elif self._missing:
            if line:
                raise ScrapeError("unreachable", "a chunk of the answer is longer than its size")
            self._missing = 0
        else:
            digits = line.partition(b";")[0].strip()
            if not digits or digits.strip(_HEX):
                raise ScrapeError("unreachable", f"{line[:20]!r} is no chunk size")
            size = int(digits, 16)
            self._trailer = size == 0
            self._missing = size + 2 if size > 0 else 0


def _gunzip(body: bytes, limit: int) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(body, limit + 1)
    except zlib.error as error:
        raise ScrapeError("format", f"the answer is not gzip: {error}") from error
    if len(text) > limit:
        raise too_large(limit)
    if not inflate.eof:
        raise ScrapeError("format", "the compressed answer is cut off")
    return text


def too_large(limit: int) -> ScrapeError:
    """Return the error of a page that exceeds the limit."""
    return ScrapeError("too_large", f"the page is larger than body_size_limit ({limit} bytes)")
