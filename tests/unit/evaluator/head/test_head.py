import numpy as np
import pytest

from services.evaluator.head import Head, Layout
from services.evaluator.promql import Engine
from services.evaluator.promql.storage import ABSENT, STALE, Matcher, stale_cells

START = 1_700_000_000_000
STEP = 5_000


def layout(*names, **labels):
    return Layout(tuple({"__name__": name, **labels} for name in names))


def head(**limits):
    return Head(**{"retention_s": 300, **limits})


def scrape(target, columns, number, values, phase=0):
    return target.append(START + number * STEP + phase, columns, np.array(values, float))


def query(storage, expr, number, phase=0):
    value = Engine().instant(expr, storage, START + number * STEP + phase).value
    return {
        labels.get("i", labels.get("__name__", "")): v for labels, v in zip(value.labels, value.values, strict=True)
    }


def names(storage):
    blocks = storage.select([Matcher("__name__", "=~", ".+")], 0, START * 2)
    return sorted(labels["__name__"] for block in blocks for labels in block.labels)


def test_scrapes_are_read_back():
    storage = head()
    target = storage.target("t")
    same = layout("a", "b")
    for number in range(3):
        assert scrape(target, same, number, [number, 10 * number]) == 2
    assert query(storage, '{__name__=~"a|b"}', 2) == {"a": 2.0, "b": 20.0}
    assert query(storage, "a offset 5s", 2) == {"a": 1.0}
    assert storage.target("t") is target
    stats = storage.stats()
    assert (stats.series, stats.samples, stats.targets) == (2, 6, 1)
    assert stats.bytes > 6 * 8
    assert storage.index.names == ["a", "b"]


@pytest.mark.parametrize("interval", [None, 5.0])
def test_labels_and_bounds_are_told_without_reading(interval):
    storage = head()
    assert (storage.labels(), storage.bounds()) == ([], None)
    target = storage.target("t", interval_s=interval)
    assert storage.bounds() is None
    for number in range(200):
        scrape(target, layout("a", "b"), number, [1, 2])
    assert [one["__name__"] for one in storage.labels()] == ["a", "b"]
    first, last = storage.bounds()
    # What is older than the retention may still be there, but not much of it.
    assert START <= first <= START + 139 * STEP
    assert last == START + 199 * STEP
    scrape(target, layout("a", "c"), 200, [1, 2])
    scrape(storage.target("late", interval_s=interval), layout("a", x="y"), 201, [1])
    assert sorted(one["__name__"] for one in storage.labels()) == ["a", "a", "b", "c"]
    assert storage.bounds()[1] == START + 201 * STEP
    assert storage.index.has("c")
    storage.prune(START + 400 * STEP)
    assert (storage.labels(), storage.index.has("c")) == ([], False)


def test_values_of_other_types_are_taken():
    storage = head()
    storage.target("t").append(START, layout("a"), np.array([3], np.int64))
    assert query(storage, "a", 0) == {"a": 3.0}


def test_a_series_that_leaves_the_page_is_stale_at_once_and_may_come_back():
    storage = head()
    target = storage.target("t")
    both, one = layout("a", "b"), layout("a")
    scrape(target, both, 0, [1, 2])
    scrape(target, one, 1, [1])
    assert query(storage, "b", 0) == {"b": 2.0}
    assert query(storage, "b", 1) == {}
    scrape(target, one, 2, [1])
    scrape(target, both, 3, [1, 3])
    assert query(storage, "b", 3) == {"b": 3.0}
    assert query(storage, "count_over_time(b[1m])", 3) == {"": 2.0}
    assert query(storage, "count_over_time(a[1m])", 3) == {"": 4.0}


def test_the_order_of_a_page_may_change():
    storage = head()
    target = storage.target("t")
    scrape(target, layout("a", "b"), 0, [1, 2])
    scrape(target, layout("b", "c", "a"), 1, [20, 30, 10])
    assert query(storage, '{__name__=~"."}', 1) == {"a": 10.0, "b": 20.0, "c": 30.0}
    assert query(storage, "count_over_time(a[1m])", 1) == {"": 2.0}


def test_a_failed_target_is_stale_and_recovers():
    storage = head()
    target = storage.target("t")
    same = layout("a_total")
    scrape(target, same, 0, [100])
    target.append_stale(START + STEP)
    target.append_stale(START + STEP)
    assert query(storage, "a_total", 1) == {}
    scrape(target, same, 2, [5])
    assert query(storage, "a_total", 2) == {"a_total": 5.0}
    assert query(storage, "resets(a_total[1m])", 2) == {"": 1.0}
    assert storage.target("new").append_stale(START) is None


def test_times_must_ascend():
    storage = head()
    target = storage.target("t")
    same = layout("a")
    scrape(target, same, 1, [1])
    assert scrape(target, same, 1, [2]) == 0
    assert scrape(target, same, 0, [2]) == 0
    assert storage.stats().rejected == {"out_of_order": 2}
    assert query(storage, "a", 1) == {"a": 1.0}


def test_a_label_set_given_twice_counts_once():
    storage = head()
    assert scrape(storage.target("t"), layout("a", "a"), 0, [1, 2]) == 1
    assert storage.stats().rejected == {"duplicate": 1}
    assert query(storage, "a", 0) == {"a": 1.0}


def test_limits_refuse_count_and_name():
    storage = head(max_series=5, max_series_per_target=3)
    wide = layout("a", "b", "c", "d")
    assert scrape(storage.target("wide"), wide, 0, [1, 2, 3, 4]) == 3
    assert scrape(storage.target("late"), layout("e", "f", "g"), 0, [5, 6, 7]) == 2
    stats = storage.stats()
    assert stats.rejected == {"max_series_per_target": 1, "max_series": 1}
    assert stats.limited == {"wide": 1, "late": 1}
    assert stats.series == 5
    assert names(storage) == ["a", "b", "c", "e", "f"]


def test_only_names_that_are_asked_for_are_kept():
    storage = head()
    target = storage.target("t")
    same = layout("a", "b", "c")
    storage.keep = {"a", "c"}.__contains__
    assert scrape(target, same, 0, [1, 2, 3]) == 2
    assert query(storage, '{__name__=~"."}', 0) == {"a": 1.0, "c": 3.0}
    storage.keep = {"b"}.__contains__
    assert scrape(target, same, 1, [1, 2, 3]) == 1
    assert query(storage, '{__name__=~"."}', 1) == {"b": 2.0}
    storage.keep = None
    assert scrape(target, same, 2, [1, 2, 3]) == 3
    assert storage.keep is None


def test_a_changed_label_set_is_another_series():
    storage = head()
    target = storage.target("t")
    scrape(target, layout("a", i="1"), 0, [1])
    scrape(target, layout("a", i="2"), 1, [2])
    assert query(storage, "a", 1) == {"2": 2.0}
    assert query(storage, "last_over_time(a[1m])", 1) == {"1": 1.0, "2": 2.0}


@pytest.mark.parametrize("interval", [None, 5.0])
def test_many_rounds_keep_the_retention_and_no_more(interval):
    storage = head(retention_s=100)
    targets = [storage.target(f"t{k}", interval_s=interval) for k in range(3)]
    pages = [layout("a_total", i=str(k)) for k in range(3)]
    for number in range(500):
        for k, target in enumerate(targets):
            scrape(target, pages[k], number, [number * (k + 1)], phase=k * 100)
    assert query(storage, "count_over_time(a_total[100s])", 499, 300) == {"0": 20.0, "1": 20.0, "2": 20.0}
    assert query(storage, "increase(a_total[50s])", 499, 300) == pytest.approx({"0": 10.0, "1": 20.0, "2": 30.0})
    assert storage.stats().samples < 3 * 45
    assert query(storage, "a_total", 300) == {}


def test_a_longer_retention_makes_longer_columns():
    storage = head(retention_s=50)
    target = storage.target("t")
    same = layout("a")
    for number in range(100):
        scrape(target, same, number, [number])
    storage.set_retention(500)
    for number in range(100, 300):
        scrape(target, same, number, [number])
    assert query(storage, "count_over_time(a[500s])", 299) == {"": 100.0}
    storage.set_retention(20)
    for number in range(300, 600):
        scrape(target, same, number, [number])
    assert storage.stats().samples <= 20
    assert query(storage, "count_over_time(a[20s])", 599) == {"": 4.0}


def test_targets_of_one_interval_share_a_matrix_and_one_block():
    storage = head()
    targets = [storage.target(f"t{k}", interval_s=5.0) for k in range(3)]
    for number in range(4):
        for k, target in enumerate(targets):
            scrape(target, layout("a_total", i=str(k)) if number == 0 else target._layout, number, [number * 10 + k], k)
    (block,) = storage.select([Matcher("__name__", "=", "a_total")], START, START + 4 * STEP)
    assert len(block.labels) == 3
    assert query(storage, "a_total", 3, 2) == {"0": 30.0, "1": 31.0, "2": 32.0}
    # A tick between the scrapes of a round: one target has a sample more than the others.
    assert query(storage, "a_total", 3, 0) == {"0": 30.0, "1": 21.0, "2": 22.0}
    assert query(storage, "sum_over_time(a_total[11s])", 3, 0) == {"0": 60.0, "1": 32.0, "2": 34.0}


def test_a_target_that_misses_rounds_has_holes_and_no_false_samples():
    storage = head()
    good, slow = (storage.target(key, interval_s=5.0) for key in ("good", "slow"))
    pages = {good: layout("a", i="good"), slow: layout("a", i="slow")}
    for number in range(12):
        scrape(good, pages[good], number, [number])
        if number % 3 == 0:
            scrape(slow, pages[slow], number, [number])
    assert query(storage, "count_over_time(a[1m])", 11) == {"good": 12.0, "slow": 4.0}
    assert query(storage, "sum_over_time(a[31s])", 11) == {"good": 56.0, "slow": 15.0}
    assert query(storage, "a", 8) == {"good": 8.0, "slow": 6.0}
    assert query(storage, "timestamp(a)", 8) == {"good": (START + 8 * STEP) / 1000, "slow": (START + 6 * STEP) / 1000}


def test_a_target_that_starts_late_shares_the_columns():
    storage = head()
    early, late = (storage.target(key, interval_s=5.0) for key in ("early", "late"))
    pages = {early: layout("a", i="early"), late: layout("a", i="late")}
    for number in range(6):
        scrape(early, pages[early], number, [number])
        if number > 3:
            scrape(late, pages[late], number, [number])
    assert query(storage, "a", 3) == {"early": 3.0}
    assert query(storage, "count_over_time(a[1m])", 5) == {"early": 6.0, "late": 2.0}


def test_one_label_set_from_two_targets_is_one_series():
    storage = head()
    old, new = storage.target("old"), storage.target("new")
    page = layout("a_total", i="x")
    scrape(old, page, 0, [1])
    scrape(old, page, 1, [2])
    old.append_stale(START + 2 * STEP)
    scrape(new, page, 2, [3])
    scrape(new, page, 3, [4])
    assert query(storage, "a_total", 3) == {"x": 4.0}
    assert query(storage, "a_total", 2) == {"x": 3.0}
    assert query(storage, "increase(a_total[21s])", 3) == pytest.approx({"x": 3.5})
    assert query(storage, "count(a_total)", 1) == {"": 1.0}


def test_what_is_over_is_dropped_after_the_retention():
    storage = head(retention_s=60)
    target, other = storage.target("t", interval_s=5.0), storage.target("other", interval_s=5.0)
    both, one = layout("a", "b"), layout("a")
    page = layout("c")
    scrape(target, both, 0, [1, 2])
    scrape(other, page, 0, [3])
    for number in range(1, 20):
        scrape(target, one, number, [1])
        storage.prune(START + number * STEP)
        assert ("b" in names(storage)) == (number < 14)
        assert ("c" in names(storage)) == (number < 13)
    assert storage.stats().targets == 1
    assert storage.index.names == ["a"]
    # A dropped target that is scraped again is taken back, in the room of the old one.
    assert scrape(other, page, 20, [4]) == 1
    assert storage.stats().targets == 2
    assert query(storage, "count_over_time(c[1m])", 20) == {"": 1.0}
    assert query(storage, "count_over_time(a[1m])", 20) == {"": 11.0}
    assert storage.target("other") is other


def test_a_private_matrix_goes_with_its_target_and_comes_back():
    storage = head(retention_s=10)
    target = storage.target("t")
    scrape(target, layout("a"), 0, [1])
    storage.prune(START + 60_000)
    assert storage.stats().bytes == 0
    scrape(target, layout("a"), 20, [2])
    assert query(storage, "a", 20) == {"a": 2.0}
    assert storage.stats().bytes > 0


def test_selections_are_remade_only_when_their_metric_changes():
    storage = head()
    target = storage.target("t")
    scrape(target, layout("a", "b"), 0, [1, 2])
    matchers = (Matcher("__name__", "=", "a"),)
    first = storage.index.select(matchers)
    scrape(target, layout("a", "b", "c"), 1, [1, 2, 3])
    assert storage.index.select(matchers) is first
    every = (Matcher("__name__", "=~", "a|x"),)
    before = storage.index.select(every)
    scrape(target, layout("a", "b", "c", "d"), 2, [1, 2, 3, 4])
    after = storage.index.select(every)
    assert after is not before
    assert after.parts[0] is before.parts[0]
    scrape(storage.target("u"), layout("a", i="2"), 2, [1])
    assert storage.index.select(matchers) is not first


def test_old_selections_are_forgotten(monkeypatch):
    monkeypatch.setattr("services.evaluator.head.index._KEPT_SELECTIONS", 3)
    storage = head()
    for name in "abcdef":
        storage.index.select((Matcher("__name__", "=", name),))
    assert len(storage.index._selections) == 3


def test_markers_handed_in_are_kept_as_such():
    storage = head()
    target = storage.target("t")
    page = layout("a", "b", "c")
    scrape(target, page, 0, [1, 1, np.nan])
    scrape(target, page, 1, [STALE, ABSENT, np.nan])
    assert set(query(storage, '{__name__=~"."}', 1)) == {"b", "c"}
    assert query(storage, "count_over_time(c[1m])", 1) == {"": 2.0}
    assert query(storage, "count_over_time(a[1m])", 1) == {"": 1.0}
    (block,) = storage.select([Matcher("__name__", "=", "a")], 0, START * 2)
    assert stale_cells(block.matrix())[0].tolist() == [False, True]


def test_what_is_exempt_from_the_limits_neither_counts_nor_is_refused():
    storage = head(max_series=2, max_series_per_target=2)
    report = storage.target("report", limited=False)
    assert scrape(report, layout("up", "duration", "scraped"), 0, [1, 2, 3]) == 3
    assert scrape(storage.target("t"), layout("a", "b", "c"), 0, [1, 2, 3]) == 2
    assert storage.stats().rejected == {"max_series_per_target": 1}
    assert (storage.exempt, storage.stats().series) == (3, 5)
    scrape(storage.target("t"), layout("a", "b"), 100, [1, 2])
    storage.prune(START + 100 * STEP)
    assert (storage.exempt, storage.stats().series) == (0, 2)


def test_answers_that_nobody_asks_for_any_more_are_forgotten():
    storage = head()
    scrape(storage.target("t"), layout("a", "b"), 0, [1, 2])
    rule, person = (Matcher("__name__", "=", name) for name in ("a", "b"))
    first = storage.index.select((rule,))
    storage.index.select((person,))
    for _ in range(25):
        storage.prune(START)
        assert storage.index.select((rule,)) is first
    assert list(storage.index._selections) == [(rule,)]
    assert query(storage, "b", 0) == {"b": 2.0}
