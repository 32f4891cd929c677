"""A decoder of the remote write message, written from its specification."""

import struct

import cramjam
import pytest


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _fields(data):
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 2:
            size, at = _varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack_from("<Q", data, at)[0]
            at += 8
        else:
            value, at = _varint(data, at)
            yield tag >> 3, value - (1 << 64) if value >> 63 else value


def _decode(body):
    found = []
    for _, series in _fields(bytes(cramjam.snappy.decompress_raw(body))):
        labels, samples = [], []
        for number, content in _fields(series):
            pair = [part for _, part in _fields(content)]
            if number == 1:
                labels.append(tuple(part.decode() for part in pair))
            else:
                samples.append((pair[1], pair[0]))
        found.append((labels, samples))
    return found


@pytest.fixture(scope="session")
def decode():
    return _decode
