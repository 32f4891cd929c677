"""Random histories of targets: what the head gives is what was put in."""

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.evaluator.head import Head, Layout
from services.evaluator.promql import Engine
from services.evaluator.promql.storage import STALE, Matcher
from tests.promql.memory import MemoryStorage

STEP = 5_000
NAMES = ("a_total", "b_total", "c_total")
PAGES = st.one_of(
    st.none(),  # the scrape is late and the round is missed
    st.just("failed"),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9).map(float), min_size=0, max_size=3),
)
HISTORIES = st.lists(st.lists(PAGES, min_size=0, max_size=40), min_size=1, max_size=3)
WITHIN_RETENTION = st.lists(st.lists(PAGES, min_size=0, max_size=24), min_size=1, max_size=3)
READS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(NAMES)), max_size=3)
QUERIES = [
    '{__name__=~".+"}',
    "sum by (i) (a_total)",
    "rate(a_total[30s])",
    "increase(b_total[1m])",
    "sum_over_time(c_total[45s])",
    "changes(a_total[1m])",
    "timestamp(b_total)",
    "max_over_time(c_total[20s] offset 10s)",
]


def read_some(head, names):
    for name in names:
        head.select([Matcher("__name__", "=", name)], 0, STEP)


def play(history, interval, reads=(), keep=None):
    """Feed a head and, beside it, the plain storage with the samples and markers that must come of it.

    `reads`: what is read in between, by round, so that these series are no longer cold.
    """
    head = Head(retention_s=120)
    head.keep = keep
    cells: dict[tuple[str, str], list[tuple[int, float]]] = {}
    layouts: dict[tuple[str, ...], Layout] = {}
    for number in range(max((len(pages) for pages in history), default=0)):
        for k, pages in enumerate(history):
            page = pages[number] if number < len(pages) else None
            t_ms = number * STEP + k * 700
            target = head.target(f"t{k}", interval_s=interval)
            live = {key for key, samples in cells.items() if key[1] == str(k) and samples[-1][1] == samples[-1][1]}
            if page == "failed":
                target.append_stale(t_ms)
                for key in live:
                    cells[key].append((t_ms, STALE))
            elif page is not None:
                names = tuple(page)
                made = layouts.setdefault(
                    (*names, str(k)), Layout(tuple({"__name__": name, "i": str(k)} for name in names))
                )
                target.append(t_ms, made, np.array([page[name] for name in names], float))
                for name, value in page.items():
                    cells.setdefault((name, str(k)), []).append((t_ms, value))
                for key in live - {(name, str(k)) for name in page}:
                    cells[key].append((t_ms, STALE))
        if number % 7 == 6:
            head.prune(number * STEP)
        read_some(head, [name for at, name in reads if at == number])
    plain = MemoryStorage()
    plain.load(({"__name__": name, "i": i}, samples) for (name, i), samples in cells.items())
    for samples in plain.series.values():
        for t_ms, value in samples.items():
            if math.isnan(value):
                samples[t_ms] = STALE
    return head, plain


def result(storage, expr, t_ms):
    # Within the retention: of a target that is gone for longer the head keeps nothing to look back to.
    value = Engine(lookback_s=60).instant(expr, storage, t_ms).value
    return {tuple(sorted(labels.items())): v for labels, v in zip(value.labels, value.values.tolist(), strict=True)}


@settings(max_examples=150, deadline=None)
@given(HISTORIES, st.sampled_from([None, 5.0]), st.integers(0, 12), READS, st.sampled_from([None, set(NAMES)]))
@example([[None] * 28, [{"a_total": 0.0}]], None, 0, [], None)
def test_every_history_is_read_back(history, interval, back, reads, names):
    head, plain = play(history, interval, reads, None if names is None else names.__contains__)
    last = max((len(pages) for pages in history), default=0) * STEP
    for expr in QUERIES:
        t_ms = max(0, last - back * 1_300)
        found, wanted = result(head, expr, t_ms), result(plain, expr, t_ms)
        assert found.keys() == wanted.keys(), (expr, t_ms)
        for key, value in wanted.items():
            assert math.isclose(found[key], value, rel_tol=1e-9, abs_tol=1e-12), (expr, t_ms, key)


@settings(max_examples=40, deadline=None)
@given(WITHIN_RETENTION, st.sampled_from([None, 5.0]), READS)
def test_ranges_are_read_back(history, interval, reads):
    head, plain = play(history, interval, reads)
    for expr in QUERIES:
        found = Engine().range(expr, head, 0, 100_000, 4_000).value
        wanted = Engine().range(expr, plain, 0, 100_000, 4_000).value
        late = [index for index, t_ms in enumerate(wanted.times.tolist()) if t_ms > 60_000]
        for labels, values, present in zip(wanted.labels, wanted.values, wanted.present, strict=True):
            if not present[late].any():
                continue
            row = [dict(item) for item in found.labels].index(dict(labels))
            assert found.present[row][late].tolist() == present[late].tolist()
            here = [index for index in late if present[index]]
            assert np.allclose(found.values[row][here], values[here], rtol=1e-9)
