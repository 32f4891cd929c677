"""Label sets that are put together when they are looked at: equal to what was put in, and nothing is left behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.head.labellist import LabelSets, RowLabels
from services.evaluator.head.labelset import LabelSet, Tail

TEXT = st.sampled_from(["a", "b", "c", "", "x" * 20])
LABELS = st.dictionaries(TEXT, TEXT, max_size=4)


def sets(some, tail):
    ends = Tail(tail)
    return [LabelSet({**{n: v for n, v in one.items() if n not in tail}, **tail}, ends) for one in some]


@given(st.lists(LABELS, max_size=12), LABELS)
def test_label_sets_come_back_in_their_order(some, tail):
    given_ = sets(some, tail)
    held = LabelSets(given_)
    assert list(held) == given_ == held[:] == [held[place] for place in range(len(held))]
    assert [list(one.items()) for one in held] == [list(one.items()) for one in given_]


def test_pages_of_two_targets_share_all_but_their_targets_labels():
    page = [{"__name__": "m", "le": str(number)} for number in range(5)]
    first = LabelSets(sets(page, {"instance": "h:1"}))
    copy = LabelSets(sets(page, {"instance": "h:2"}), first.owns)
    other = LabelSets(sets(page[:4], {"instance": "h:3"}), first.owns)
    assert copy.owns is first.owns
    assert copy[4] == {"__name__": "m", "le": "4", "instance": "h:2"}
    assert list(other) == [{**one, "instance": "h:3"} for one in page[:4]]
    with pytest.raises(IndexError):
        other[4]


@given(st.lists(st.tuples(st.integers(0, 7), st.none() | LABELS), max_size=60))
def test_rows_are_like_a_list_of_mappings(steps):
    rows, plain = RowLabels(), [None] * 8
    rows.grow(8)
    for row, labels in steps:
        rows.clear(row)
        if labels is not None:
            rows.put(row, labels)
        plain[row] = labels
    assert [rows[row] for row in range(8)] == plain
    assert list(rows.all()) == [one for one in plain if one is not None]
    for row, labels in enumerate(plain):
        for name in ("a", "b", "missing"):
            assert rows.value(row, name) == (labels or {}).get(name, "")


def test_what_rows_no_longer_need_is_forgotten():
    rows = RowLabels()
    rows.grow(2)
    for number in range(1000):
        tail = {"instance": f"h:{number}"}
        (labels,) = sets([{"__name__": "m"}], tail)
        rows.clear(1)
        rows.put(1, labels)
        assert rows[1] == {"__name__": "m", **tail}
    assert len(rows._kinds) <= 2
    assert len(rows._numbers) == 1
    rows.clear(1)
    assert rows._numbers == {}
