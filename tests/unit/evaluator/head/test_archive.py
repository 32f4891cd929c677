from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from services.evaluator.head import Head, Layout
from services.evaluator.head.archive import RECENT, Archive, pack, unpack
from services.evaluator.promql.storage import ABSENT, STALE, Matcher, absent_cells

START, STEP = 1_700_000_000_000, 5_000
BITS = arrays(np.uint64, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.integers(0, 2**64 - 1))
CELLS = st.sampled_from([0.0, -0.0, 1.0, 1e300, np.inf, np.nan, STALE, ABSENT])


def counts(rows, columns, seed=1):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.integers(0, 50, (rows, columns)), axis=1).astype(np.float64)


@given(BITS)
def test_every_bit_comes_back(bits):
    cells = bits.view(np.float64)
    assert unpack(pack(cells), cells.shape[1]).view(np.uint64).tolist() == bits.tolist()


NUMBERS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.one_of(
        st.integers(-(2**63), 2**63).map(float),
        st.integers(-3, 3).map(float),
        st.sampled_from([-0.0, 0.5, 2.0**53 + 2, -(2.0**63), 2.0**63, np.inf, -np.inf, np.nan, STALE, ABSENT]),
    ),
)


@given(NUMBERS)
def test_whole_numbers_and_what_is_none_come_back(cells):
    assert unpack(pack(cells), cells.shape[1]).view(np.uint64).tolist() == cells.view(np.uint64).tolist()


def test_counters_and_constants_become_small():
    assert len(pack(np.full((1000, 15), 12.5))) < 1000
    assert len(pack(counts(1000, 15))) < 1000 * 15 * 1.5
    assert len(pack(-counts(1000, 15))) < 1000 * 15 * 1.5


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=3),
)
def test_what_is_put_is_read_whatever_was_dropped(columns, drops):
    archive, plain = Archive(), []
    archive.grow(2, 0)
    rows = np.arange(2)
    archive.clear(rows)
    for number, values in enumerate(columns):
        archive.make_room(len(plain), 2, any_cold=True)
        archive.put(rows, len(plain), np.array(values))
        plain.append(values)
        for at, count in drops:
            if at == number:
                first = min(count, len(plain))
                archive.drop(first)
                del plain[:first]
        wanted = np.array(plain, float).reshape(-1, 2).T
        assert archive.read(rows, len(plain)).tobytes() == np.ascontiguousarray(wanted).tobytes()
        if plain:
            newest = archive.column(rows, len(plain) - 1)
            assert newest.tobytes() == np.array(plain[-1]).tobytes()


def test_a_packed_column_is_not_known_without_reading_and_rows_that_came_later_have_no_cells_in_it():
    archive = Archive()
    archive.grow(1, 0)
    archive.clear(np.array([0]))
    for column in range(RECENT + 1):
        archive.make_room(column, 1, any_cold=True)
        archive.put(np.array([0]), column, float(column))
    assert archive.packed == RECENT - 1
    assert np.isnan(archive.column(np.array([0]), 0)).all()
    archive.grow(3000, 1)
    archive.clear(np.array([2999]))
    read = archive.read(np.array([0, 2999]), RECENT + 1)
    assert read[0].tolist() == list(range(RECENT + 1))
    assert absent_cells(read[1]).all()


def test_without_cold_rows_nothing_is_packed():
    archive = Archive()
    archive.grow(10, 0)
    for column in range(100):
        archive.make_room(column, 10, any_cold=False)
    assert archive.packed == 100 // (RECENT - 1) * (RECENT - 1)
    assert archive.nbytes == 10 * RECENT * 8


def fill(head, names, values, key="t"):
    target, layout = head.target(key, interval_s=5.0), Layout({"__name__": name} for name in names)
    for number in range(values.shape[1]):
        target.append(START + number * STEP, layout, values[:, number])
    return target


def read(head, name, columns):
    (block,) = head.select([Matcher("__name__", "=", name)], START - 1, START + columns * STEP)
    return block.matrix()[0, -columns:].tolist()


def test_series_are_cold_until_they_are_read_and_read_as_they_came():
    head, values = Head(retention_s=300), counts(20, 61)
    names = [f"m{number}" for number in range(20)]
    pool = fill(head, names, values).pool
    assert not pool.hot.any()
    assert read(head, "m7", 61) == values[7].tolist()
    assert pool.hot.sum() == 1
    before = head.stats().bytes
    for name, row in zip(names, values, strict=True):
        assert read(head, name, 61) == row.tolist()
    assert pool.hot[:20].all()
    assert head.stats().bytes > before


def test_what_rules_need_is_hot_from_the_start():
    head = Head(retention_s=300)
    head.keep = {"a"}.__contains__
    pool = fill(head, ["a", "b"], counts(2, 40)).pool
    assert pool.hot[:1].tolist() == [True]
    assert head.stats().series == 1


def test_cold_series_cost_a_half_of_hot_ones():
    names = [f"m{number}" for number in range(1000)]
    bytes_ = []
    for keep in (None, set(names).__contains__):
        head = Head(retention_s=300)
        head.keep = keep
        fill(head, names, counts(1000, 65))
        bytes_.append(head.stats().bytes)
    assert bytes_[0] < 0.6 * bytes_[1]


@pytest.mark.parametrize("first", [3, 40])
def test_a_row_that_another_series_had_before_shows_nothing_of_it(first):
    head = Head(retention_s=300)
    old = fill(head, ["old"], counts(1, first))
    keep = head.target("keep", interval_s=5.0)
    layout = Layout([{"__name__": "keep"}])
    old.prune(START + 10**9)
    for number in range(first, first + 20):
        keep.append(START + number * STEP, layout, np.array([1.0]))
    fresh = head.target("fresh", interval_s=5.0)
    fresh.append(START + (first + 19) * STEP + 100, Layout([{"__name__": "new"}]), np.array([7.0]))
    (block,) = head.select([Matcher("__name__", "=", "new")], START - 1, START + 10**7)
    cells = block.matrix()[0]
    assert cells[~absent_cells(cells)].tolist() == [7.0]


def test_a_fall_over_packed_columns_is_not_forgotten():
    head = Head(retention_s=600)
    late, steady = head.target("late", interval_s=5.0), head.target("steady", interval_s=5.0)
    layouts = [Layout([{"__name__": name}]) for name in ("late", "steady")]
    late.append(START, layouts[0], np.array([9.0]))
    for number in range(40):
        steady.append(START + number * STEP, layouts[1], np.array([float(number)]))
    late.append(START + 40 * STEP, layouts[0], np.array([1.0]))
    (block,) = head.select([Matcher("__name__", "=", "late")], START - 1, START + 41 * STEP)
    cells = block.matrix()[0]
    assert cells[~absent_cells(cells)].tolist() == [9.0, 1.0]
    assert late.pool.last_drop[late._rows].tolist() == [START + 40 * STEP]


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_few_hot_rows_among_many_cold_ones_take_little_memory():
    head, names = Head(retention_s=300), [f"m{number}" for number in range(40_000)]
    fill(head, names, np.ones((len(names), 2)))
    before = resident()
    for name in names[::400]:
        assert read(head, name, 2) == [1.0, 1.0]
    assert resident() - before < 3_000_000
