"""Bodies that are compressed by brotli, which aiohttp alone does not know."""

import cramjam

from services.collector.reasons import Reason, ScrapeError

BROTLI = "br"
_FIRST_ROOM = 64 * 1024
_USUAL_RATIO = 8
_GROWTH = 8
_FULL = "whole buffer"
"""Of cramjam's word for too little room; all else is data that is no brotli."""


def unpack(packed: bytes, limit: int) -> bytes:
    """Return the body; raises ScrapeError where it is none, or longer than `limit`.

    Never takes more memory than twice the limit: a kilobyte of brotli may hold gigabytes.
    """
    if not packed:
        return b""
    room = min(limit, max(_FIRST_ROOM, len(packed) * _USUAL_RATIO))
    while True:
        body = bytearray(room)
        try:
            size = cramjam.brotli.decompress_into(packed, body)
        except cramjam.DecompressionError as error:
            if _FULL not in str(error):
                raise ScrapeError(Reason.BODY, "the answer is not compressed by brotli, or is cut short") from error
            if room >= limit:
                raise ScrapeError(Reason.TOO_LARGE, f"the answer is longer than {limit} bytes") from error
            room = min(limit, room * _GROWTH)
        else:
            return bytes(memoryview(body)[:size])
