"""The group's state machine: Alertmanager's cases as a table of steps, and what must hold for any history."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.grouping import AlertView, Cause, Group, flush, observe, retire
from services.notifier.routing import Timing

TIMING = Timing(wait=30, interval=300, repeat=3600)


def firing(name: str, *, starts_at: float = 1000.0, **more) -> AlertView:
    return AlertView(name, starts_at, firing=True, **more)


def resolved(name: str, **more) -> AlertView:
    return replace(firing(name, **more), firing=False)


def begin(*views: AlertView, now: float = 1000.0) -> Group:
    group = observe(None, views, TIMING, now)
    assert group is not None
    return group


def test_the_first_message_waits_for_the_group_to_gather():
    group = begin(firing("a"))
    assert group.next_flush == 1030
    group = observe(group, [firing("b", starts_at=1010)], TIMING, 1010)
    assert group.next_flush == 1030
    group, due = flush(group, TIMING, 1030)
    assert (due.cause, due.firing, due.resolved, due.number) == (Cause.NEW, ("a", "b"), (), 1)
    assert group.next_flush == 1330


def test_an_alert_that_is_old_already_is_told_at_once():
    assert begin(firing("a", starts_at=900)).next_flush == 1000
    group = observe(begin(firing("a")), [firing("b", starts_at=960)], TIMING, 1005)
    assert group.next_flush == 1005


def test_one_that_ends_while_the_group_gathers_is_never_told():
    group = observe(begin(firing("a")), [resolved("a")], TIMING, 1010)
    assert flush(group, TIMING, 1030) == (None, None)


def test_an_end_of_what_was_never_heard_of_makes_no_group():
    assert observe(None, [resolved("a")], TIMING, 1000) is None


def test_news_wait_for_the_next_interval():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group = observe(group, [firing("b", starts_at=1040)], TIMING, 1100)
    assert group.next_flush == 1330
    group, due = flush(group, TIMING, 1330)
    assert (due.cause, due.firing, due.news) == (Cause.CHANGED, ("a", "b"), True)


def test_nothing_new_nothing_said():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group, due = flush(group, TIMING, 1330)
    assert due is None
    assert group.next_flush == 1630


def test_an_end_is_told_once_and_the_group_is_over():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group = observe(group, [resolved("a")], TIMING, 1100)
    group, due = flush(group, TIMING, 1330)
    assert (due.cause, due.firing, due.resolved, due.news) == (Cause.RESOLVED, (), ("a",), False)
    assert group is None


def test_an_end_beside_what_still_fires():
    group, _ = flush(begin(firing("a"), firing("b")), TIMING, 1030)
    group = observe(group, [resolved("a")], TIMING, 1100)
    group, due = flush(group, TIMING, 1330)
    assert (due.cause, due.firing, due.resolved, due.news) == (Cause.CHANGED, ("b",), ("a",), False)
    assert set(group.members) == {"b"}


def test_a_repeat_comes_at_the_first_look_after_the_interval():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group, due = flush(group, TIMING, 4629)
    assert due is None
    group, due = flush(group, TIMING, 4630)
    assert (due.cause, due.news, due.number) == (Cause.REPEAT, True, 2)


@pytest.mark.parametrize(
    "held",
    [{"acknowledged": True}, {"muted": True}, {"min_repeat": 9000.0}],
    ids=["acknowledged", "muted", "cooldown or cap"],
)
def test_what_holds_a_repeat_back(held):
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group = observe(group, [firing("a", **held)], TIMING, 1100)
    assert flush(group, TIMING, 9000)[1] is None
    group = observe(group, [firing("a")], TIMING, 9001)
    assert flush(group, TIMING, 9300)[1].cause is Cause.REPEAT


def test_a_muted_episode_is_told_when_it_is_no_longer_muted():
    group = begin(firing("a", muted=True))
    group, due = flush(group, TIMING, 1030)
    assert due is None
    group = observe(group, [firing("a")], TIMING, 1200)
    group, due = flush(group, TIMING, 1330)
    assert (due.cause, due.firing) == (Cause.NEW, ("a",))


def test_a_muted_episode_that_was_never_told_ends_in_silence():
    group, _ = flush(begin(firing("a", muted=True), firing("b")), TIMING, 1030)
    group = observe(group, [resolved("a", muted=True)], TIMING, 1100)
    group, due = flush(group, TIMING, 1330)
    assert due is None
    assert set(group.members) == {"b"}


def test_a_told_episode_that_is_muted_later_is_told_its_end():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group = observe(group, [resolved("a", muted=True)], TIMING, 1100)
    assert flush(group, TIMING, 1330)[1].resolved == ("a",)


def test_a_retired_group_only_tells_ends():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group = retire(observe(group, [firing("b")], TIMING, 1100), 1100)
    assert set(group.members) == {"a"}
    assert group.next_flush == 1100
    group, due = flush(group, TIMING, 9999)
    assert due is None
    group = observe(group, [resolved("a")], TIMING, 10_000)
    assert flush(group, TIMING, 10_100) == (None, flush(group, TIMING, 10_100)[1])
    assert flush(group, TIMING, 10_100)[1].resolved == ("a",)
    assert retire(begin(firing("a")), 1000) is None


def test_a_retired_groups_end_waits_for_no_interval():
    group, _ = flush(begin(firing("a")), TIMING, 1030)
    group, due = flush(retire(group, 1100), TIMING, 1100)
    assert (due, group.next_flush) == (None, 1400)
    group = observe(group, [resolved("a")], TIMING, 1110)
    assert group.next_flush == 1110
    assert flush(group, TIMING, 1110)[1].resolved == ("a",)


NAMES = st.sampled_from(["a", "b", "c"])
STEP = st.one_of(
    st.tuples(st.just("fire"), NAMES, st.booleans(), st.booleans()),
    st.tuples(st.just("end"), NAMES, st.booleans(), st.booleans()),
    st.tuples(st.just("wait"), st.floats(0, 5000), st.just(False), st.just(False)),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_nothing_is_lost_doubled_or_left_without_its_end(steps):
    now, group, ended = 1000.0, None, set()
    alive: dict[str, bool] = {}  # name → muted
    messages: list[tuple[float, tuple[str, ...], tuple[str, ...], Cause]] = []

    def look() -> None:
        nonlocal group
        while group is not None and group.next_flush <= now:
            group, due = flush(group, TIMING, max(group.next_flush, 0))
            if due is not None:
                messages.append((now, due.firing, due.resolved, due.cause))

    for kind, what, muted, acknowledged in [
        *steps,
        *(("end", name, False, False) for name in "abc"),
        ("wait", 1e4, 0, 0),
    ]:
        if kind == "wait":
            now += what
            look()
        elif kind == "fire" and what not in ended:
            alive[what] = muted
            group = observe(group, [firing(what, starts_at=now, muted=muted, acknowledged=acknowledged)], TIMING, now)
        elif kind == "end" and what in alive:
            ended.add(what)
            group = observe(group, [resolved(what, muted=alive.pop(what))], TIMING, now)
        look()
    assert group is None
    told_firing = {name for _, fired, _, _ in messages for name in fired}
    told_ends = [name for _, _, over, _ in messages for name in over]
    assert sorted(told_ends) == sorted(told_firing)  # an end for each that was told, once, and for no other
    seen: set[str] = set()
    for _, fired, over, cause in messages:
        news = set(fired) - seen
        assert news or over or cause is Cause.REPEAT  # every message says something
        seen |= set(fired)
