"""Prometheus' remote write 1.0 message: protobuf, compressed with Snappy's block format.

The message is four short types of nothing but strings, doubles and integers, so it is written directly:
WriteRequest{1: TimeSeries}, TimeSeries{1: Label, 2: Sample}, Label{1: name, 2: value}, Sample{1: double, 2: int64}.
Source: prometheus/prompb/types.proto and the remote write specification 1.0.
"""

import struct
from collections.abc import Iterable, Mapping

import cramjam

Sample = tuple[Mapping[str, str], int, float]
"""Labels, time in milliseconds, value."""
_SEVEN_BITS, _MORE = 0x7F, 0x80
_DOUBLE = struct.Struct("<d")
# The engine's marker is the same NaN as on the wire: 0x7ff0000000000002.


def write_request(samples: Iterable[Sample]) -> bytes:
    """Return the body of a request; samples of equal label sets that follow each other share a series."""
    series: dict[frozenset[tuple[str, str]], list[bytes]] = {}
    for labels, t_ms, value in samples:
        key = frozenset(labels.items())
        parts = series.get(key)
        if parts is None:
            # The specification asks for the order of the names.
            parts = series[key] = [_field(1, _label(name, labels[name])) for name in sorted(labels)]
        parts.append(_field(2, b"\x09" + _DOUBLE.pack(value) + b"\x10" + _varint(t_ms & 0xFFFFFFFFFFFFFFFF)))
    body = b"".join(_field(1, b"".join(parts)) for parts in series.values())
    return bytes(cramjam.snappy.compress_raw(body))


def _label(name: str, value: str) -> bytes:
    return _field(1, name.encode()) + _field(2, value.encode())


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > _SEVEN_BITS:
        found.append(value & _SEVEN_BITS | _MORE)
        value >>= 7
    found.append(value)
    return bytes(found)
