import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.promql import parse
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule
from services.evaluator.rules.order import order_of, writes


def group(key, *, records=(), reads="", alerts=False):
    rules = [RecordingRule(name, parse("1"), {}, "f", 1, name) for name in records]
    rules += [RecordingRule(f"{key}:{name}", parse(name), {}, "f", 1, name) for name in reads.split()]
    if alerts:
        rules.append(AlertingRule("A", parse("x > 1"), {}, {}, "f", 1, "A"))
    return Group(key, key, "f", 10.0, 0.0, 0, tuple(rules))


def test_what_a_group_writes():
    assert writes(group("g", records=["r"])) == {"r"}
    assert writes(group("g", alerts=True)) == {"ALERTS", "ALERTS_FOR_STATE"}


def test_a_group_comes_after_those_that_it_reads():
    order = order_of([group("late", reads="b"), group("mid", records=["b"], reads="a"), group("first", records=["a"])])
    assert order.keys == ["first", "mid", "late"]
    assert order.readers == {"first": ["mid"], "mid": ["late"]}


def test_who_reads_alerts_comes_after_all_that_alert():
    order = order_of([group("meta", reads="ALERTS"), group("a", alerts=True), group("b", alerts=True)])
    assert order.keys == ["a", "b", "meta"]


def test_a_pattern_may_read_anything():
    order = order_of([group("all", reads='{__name__=~".+"}'), group("a", records=["a"])])
    assert order.keys == ["a", "all"]


def test_circles_do_not_wait_for_one_another_but_others_wait_for_them():
    order = order_of([
        group("after", reads="a"), group("a", records=["a"], reads="b"), group("b", records=["b"], reads="a c"),
        group("c", records=["c"]),
    ])  # fmt: skip
    assert order.keys.index("c") < order.keys.index("b")
    assert order.keys.index("a") < order.keys.index("after")
    assert order.readers == {"a": ["after"], "c": ["b"]}


def test_a_long_chain_is_no_recursion():
    chain = [group(str(n), records=[f"r{n}"], reads=f"r{n + 1}") for n in range(3000)]
    assert order_of(chain).keys == [str(n) for n in reversed(range(3000))]


@given(st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_every_group_once_and_none_waits_in_a_circle(needs):
    groups = [group(str(n), records=[f"r{n}"], reads=" ".join(f"r{m}" for m in some)) for n, some in enumerate(needs)]
    order = order_of(groups)
    assert sorted(order.keys) == sorted(one.key for one in groups)
    for key, readers in order.readers.items():
        for reader in readers:
            assert order.keys.index(key) < order.keys.index(reader)
            assert int(key) in needs[int(reader)]


def test_no_groups():
    assert order_of(()).keys == pytest.approx([])
