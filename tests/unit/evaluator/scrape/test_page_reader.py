import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.scrape.decimals import parse_column
from services.evaluator.scrape.exposition import ExpositionError
from services.evaluator.scrape.page_reader import PageReader


def page(*values, comment="# HELP m Help.\n", end=""):
    return (comment + "".join(f'm{{n="{i}"}} {value}\n' for i, value in enumerate(values)) + end).encode()


def bits(value):
    return struct.pack("<d", value)


def test_an_unchanged_layout_is_read_the_fast_way():
    reader = PageReader()
    first, values = reader.read(page(1, 2.5, "NaN"))
    second, again = reader.read(page(10, -2.75, "+Inf"))
    assert first is second
    assert (reader.fast, reader.slow) == (1, 1)
    assert values[:2].tolist() == [1, 2.5]
    assert again.tolist() == [10, -2.75, math.inf]


@pytest.mark.parametrize(
    "changed",
    [
        page(1, 2, 3),
        page(1, 2).replace(b'n="1"', b'n="7"'),
        page(1, 2, comment="# HELP m Other.\n"),
        page(1, 2, comment=""),
        page("1 1700000000000", 2),
        page(1, 2) + b"\n",
        page(1, 2).rstrip(b"\n"),
        page(1, 2, comment="# HELP m Help. more\n"),
        b'm{n="0"} 1\n# HELP m Help.\nm{n="1"} 2\n',
    ],
)
def test_any_other_change_is_read_the_slow_way(changed):
    reader, fresh = PageReader(), PageReader()
    reader.read(page(1, 2))
    shape, values = reader.read(changed)
    expected, numbers = fresh.read(changed)
    assert reader.slow == 2
    assert list(shape.series) == list(expected.series)
    assert shape.times == expected.times
    assert values.tolist() == numbers.tolist()


def test_a_changed_comment_keeps_the_series_so_that_they_do_not_seem_new():
    reader = PageReader()
    first, _ = reader.read(page(1, 2))
    second, _ = reader.read(page(1, 2, comment="# HELP m Other words.\n"))
    assert first is not second
    assert second.same_series(first)
    assert reader.read(page(3, 4, comment="# HELP m Other words.\n"))[1].tolist() == [3, 4]
    assert reader.fast == 1


def test_a_broken_value_on_a_known_layout_is_refused():
    reader = PageReader()
    reader.read(page(1, 2))
    for bad in ("x", "1_0", "", " 1"):
        if bad == " 1":
            assert reader.read(page(bad, 2))[1].tolist() == [1, 2]
        else:
            with pytest.raises(ExpositionError):
                reader.read(page(bad, 2))


def test_the_format_may_change():
    reader = PageReader()
    reader.read(page(1, 2))
    _, values = reader.read(page(3, 4, end="# EOF\n"), openmetrics=True)
    assert values.tolist() == [3, 4]
    with pytest.raises(ExpositionError):
        reader.read(page(5, 6), openmetrics=True)


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**18), 10**18).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12).map(str),
    st.from_regex(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?(e[+-]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["-0", "0", ".5", "5.", "+3", "1e5", "NaN", "+Inf", "-Inf", "-.0", "00012", "99999999999999.9"]),
)


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_a_column_is_read_to_the_bit_as_float_does(texts):
    body = "".join(f'series9{{l="{i}1"}} {text}\n' for i, text in enumerate(texts)).encode()
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == 10)
    starts = ends - np.array([len(text) for text in texts])
    found = parse_column(body, starts, ends)
    assert found is not None
    for text, value in zip(texts, found.tolist(), strict=True):
        assert bits(value) == bits(float(text)) or math.isnan(float(text))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6))
def test_fast_and_slow_agree(pairs):
    reader = PageReader()
    reader.read(page(*(one for one, _ in pairs)))
    second = page(*(two for _, two in pairs))
    _, fast = reader.read(second)
    _, slow = PageReader().read(second)
    assert reader.fast == 1
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("text", ["..", "-", "+", "1.2.3", "--1", "1-", "e5", ".", "1 ", "0x10"])
def test_what_is_no_number_is_none(text):
    body = f"m {text}\n".encode()
    assert parse_column(body, np.array([2]), np.array([len(body) - 1])) is None
