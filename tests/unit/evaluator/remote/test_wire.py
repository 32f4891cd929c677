"""The remote write message, read back by a decoder of the test's own."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.promql import STALE
from services.evaluator.remote.wire import write_request


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def test_series_and_samples(decode):
    one, two = {"__name__": "m", "b": "é", "a": ""}, {"__name__": "n"}
    samples = [(one, 1_700_000_000_123, 1.5), (two, -1, math.inf), (dict(one), 1_700_000_000_124, -0.0)]
    assert decode(write_request(samples)) == [
        (
            [("__name__", "m"), ("a", ""), ("b", "é")],
            [(1_700_000_000_123, bits(1.5)), (1_700_000_000_124, bits(-0.0))],
        ),
        ([("__name__", "n")], [(-1, bits(math.inf))]),
    ]


def test_the_marker_of_staleness_is_prometheus_own(decode):
    (_, ((_, value),)) = decode(write_request([({"__name__": "m"}, 1, STALE)]))[0]
    assert value == 0x7FF0000000000002


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300, 20_000])
def test_lengths(decode, size):
    ((labels, _),) = decode(write_request([({"x": "v" * size}, 1, 1.0)]))
    assert labels == [("x", "v" * size)]


@given(
    samples=st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=5), st.text(max_size=300), max_size=4),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False),
        ),
        max_size=8,
    )
)
def test_nothing_is_lost(decode, samples):
    found = [(labels, t, v) for labels, points in decode(write_request(samples)) for t, v in points]
    assert sorted(map(str, found)) == sorted(str((sorted(labels.items()), t, bits(v))) for labels, t, v in samples)
