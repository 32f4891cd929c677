import copy
import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.head import Head, LabelSet, Layout, Tail, label_set
from services.evaluator.head import labelset as module
from services.evaluator.head.index import Postings

TEXT = st.text(max_size=5)
LABELS = st.dictionaries(TEXT, TEXT, max_size=6)


@given(LABELS)
def test_it_behaves_as_the_dict_it_was_made_of(labels):
    made = LabelSet(labels)
    assert made == labels
    assert labels == dict(made)
    assert dict(made.items()) == labels
    assert {**made} == labels
    assert list(made) == list(labels)
    assert list(made.values()) == list(labels.values())
    assert len(made) == len(labels)
    assert frozenset(made.items()) == frozenset(labels.items())
    assert len(made.items()) == len(labels)
    assert repr(made) == repr(labels)
    for name in [*labels, "other", ""]:
        assert (name in made) == (name in labels)
        assert made.get(name) == labels.get(name)
        assert made.get(name, "x") == labels.get(name, "x")
    assert all(pair in made.items() for pair in labels.items())


@given(LABELS, LABELS)
def test_a_set_with_a_tail_is_the_same_as_one_without(own, tail):
    labels = {**own, **tail}
    made = LabelSet(labels, Tail(tail), tuple(own.values()))
    plain = LabelSet(labels)
    assert made == plain
    assert plain == made
    assert made == labels
    assert list(made.items()) == list(labels.items())
    assert [made[name] for name in labels] == [made.get(name) for name in labels] == list(labels.values())
    assert copy.deepcopy(made) == labels


def test_sets_of_two_targets_share_all_but_themselves():
    tails = [Tail({"instance": f"h:{number}", "job": "j"}) for number in range(2)]
    one = LabelSet({"name": "m", "le": "1", "instance": "h:0", "job": "j"}, tails[0])
    other = LabelSet({"name": "m", "le": "1", "instance": "h:1", "job": "j"}, tails[1], one.own)
    moved = LabelSet({"instance": "h:1", "job": "j", "name": "m", "le": "1"}, tails[1], one.own)
    assert other.own is one.own
    assert one != other
    assert moved == other
    assert moved.own == ("h:1", "j", "m", "1")


@given(LABELS, LABELS)
def test_equality_is_that_of_dicts(one, other):
    assert (LabelSet(one) == LabelSet(other)) == (one == other)
    assert (LabelSet(one) == other) == (one == other)
    assert LabelSet(one) == LabelSet(dict(reversed(one.items())))


def test_a_missing_label_is_a_key_error():
    with pytest.raises(KeyError, match="b"):
        LabelSet({"a": "1"})["b"]


def test_it_is_unhashable_and_no_list_for_json():
    made = LabelSet({"a": "1"})
    with pytest.raises(TypeError):
        hash(made)
    with pytest.raises(TypeError):
        json.dumps(made)
    assert json.dumps(dict(made)) == '{"a": "1"}'
    assert made != [("a", "1")]


def test_it_can_be_copied():
    made = LabelSet({"a": "1", "b": "2"})
    assert copy.deepcopy(made) == copy.copy(made) == made


def test_names_and_values_are_held_once():
    one = LabelSet({"name": "value", "n": "1"})
    other = LabelSet({"name": "value", "n": "2"})
    assert one["name"] is other["name"]
    assert one._places is other._places
    assert label_set(one) is one
    assert sys.getsizeof(one) + sys.getsizeof(one.own) < sys.getsizeof({"name": "", "n": ""})


def test_names_are_forgotten_before_they_become_too_many(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SHAPES", 3)
    monkeypatch.setattr(module, "_shapes", {})
    made = [LabelSet({f"l{number}": "x"}) for number in range(10)]
    assert len(module._shapes) <= 3
    assert [list(item) for item in made] == [[f"l{number}"] for number in range(10)]


def test_a_layout_holds_compact_sets():
    first = LabelSet({"__name__": "a"})
    layout = Layout((first, {"__name__": "b"}))
    assert layout.labels[0].own is first.own
    assert isinstance(layout.labels[1], LabelSet)
    assert list(layout.labels) == [{"__name__": "a"}, {"__name__": "b"}]


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 60), max_size=8)), max_size=60))
def test_postings_are_a_set_of_rows(steps):
    postings, held = Postings(), set()
    for adding, some in steps:
        if adding:
            fresh = some - held
            if fresh:
                postings.add(np.array(sorted(fresh)))
            held |= fresh
        else:
            assert postings.remove(np.array(sorted(some), np.intp)) == bool(held - some)
            held -= some
        assert postings.rows().tolist() == sorted(held)


def test_postings_join_their_pieces():
    postings = Postings()
    for row in range(1000):
        postings.add(np.array([row]))
    assert len(postings._pieces) < 100
    assert postings.rows().tolist() == list(range(1000))


def test_memory_of_a_series_is_little_more_than_its_samples():
    head = Head(retention_s=300)
    layout = Layout({"__name__": "m", "i": str(number)} for number in range(2000))
    target = head.target("t", interval_s=5.0)
    for step in range(200):
        target.append(step * 5000, layout, np.full(2000, float(step)))
    assert head.stats().bytes / 2000 < 62 * 8 * 1.15 * 1.25 + 64


def test_rows_that_were_never_used_are_not_written():
    head = Head(retention_s=60)
    target = head.target("t", interval_s=5.0)
    target.append(1000, Layout({"__name__": "m", "i": str(n)} for n in range(100)), np.zeros(100))
    target.append(6000, Layout({"__name__": "m", "i": str(n)} for n in range(101)), np.zeros(101))
    pool = target.pool
    assert pool._touched == 101 < len(pool.values)
    for step in range(2, 60):
        target.append(1000 + step * 5000, target._layout, np.full(101, float(step)))
    assert pool._touched == 101
    pool.thaw(np.array([100]))
    assert pool.values[100, : pool.used].tolist() == [float(step) for step in range(60 - pool.used, 60)]


def test_a_view_is_the_same_until_the_next_write():
    head = Head(retention_s=60)
    target = head.target("t", interval_s=5.0)
    layout = Layout([{"__name__": "m"}])
    target.append(1000, layout, np.zeros(1))
    target.pool.thaw(np.array([0]))
    before = target.pool.view(0, 5000)
    assert target.pool.view(0, 5000)[0] is before[0]
    target.append(2000, layout, np.ones(1))
    assert target.pool.view(0, 5000)[1].tolist() == [[0.0, 1.0]]
