"""Which samples are taken, under which name, and what happens when there are too many."""

import json
import math

import pytest

from services.common.events import AlertEvent, RuleRef
from services.evaluator.history.chunk import BadChunkError, Chunk, in_chunks
from services.evaluator.history.intake import ALERT_VALUE, Intake, series_key
from services.evaluator.promql import STALE


def _intake(dropped, *, patterns=("tocsin:.+",), max_series=10, capacity=100):
    return Intake(patterns, max_series=max_series, capacity=capacity, dropped=dropped.hear)


def _named(name, **labels):
    return {"__name__": name, **labels}


def test_it_takes_the_chosen_names_and_finite_values(dropped):
    intake = _intake(dropped)
    labels = [
        _named("tocsin:up", instance="a"),
        _named("ALERTS"),
        _named("tocsin:up", instance="b"),
        _named("x_tocsin:up"),
    ]
    intake.offer(1000, labels, [1.5, 1.0, STALE, 4.0])
    intake.offer(2000, labels[:1], [math.inf])
    intake.offer(3000, labels[:1], [math.nan])
    assert intake.take() == [('{"__name__":"tocsin:up","instance":"a"}', 1000, 1.5)]
    assert intake.take() == []
    assert dropped == {}


@pytest.mark.parametrize(
    ("patterns", "taken"), [((), []), (("a|b",), ["a", "b"]), (("a", "c.*"), ["a", "cd"]), (("b",), ["b"])]
)
def test_patterns_are_whole_names_and_any_may_match(dropped, patterns, taken):
    intake = _intake(dropped, patterns=patterns)
    names = ["a", "b", "ab", "cd"]
    intake.offer(1, [_named(name) for name in names], [1.0] * len(names))
    assert [json.loads(key)["__name__"] for key, _, _ in intake.take()] == taken


def _event(value, status="firing"):
    return AlertEvent(
        fingerprint="0" * 16, status=status, labels={"alertname": "A", "queue": "q"}, value=value,
        active_at=1, starts_at=2, sent_at=12.5, rule=RuleRef(name="A"),
    )  # fmt: skip


def test_values_of_firing_alerts_are_kept(dropped):
    intake = _intake(dropped)
    intake.offer_alerts([_event(47.0), _event(48.0, "resolved"), _event(None), _event(math.nan)])
    assert intake.take() == [(series_key({"__name__": ALERT_VALUE, "alertname": "A", "queue": "q"}), 12_500, 47.0)]


def test_the_oldest_go_when_memory_is_full(dropped):
    intake = _intake(dropped, capacity=3)
    for t_ms in range(5):
        intake.offer(t_ms, [_named("tocsin:up")], [float(t_ms)])
    assert len(intake) == 3
    assert [t_ms for _, t_ms, _ in intake.take()] == [2, 3, 4]
    assert dropped == {"memory_full": 2}


def test_too_many_series_are_refused_until_others_have_ended(dropped):
    intake = _intake(dropped, max_series=2)
    intake.offer(0, [_named("tocsin:up", i=str(i)) for i in range(3)], [1.0] * 3)
    assert dropped == {"too_many_series": 1}
    intake.offer(3_500_000, [_named("tocsin:up", i="0")], [1.0])
    intake.offer(3_700_000, [_named("tocsin:up", i="2")], [1.0])
    assert dropped == {"too_many_series": 1}
    assert [json.loads(key)["i"] for key, _, _ in intake.take()] == ["0", "1", "0", "2"]
    # The one that was heard of lately is still known: nothing has ended since.
    intake.offer(3_700_000, [_named("tocsin:up", i="1")], [1.0])
    assert dropped == {"too_many_series": 2}


def test_equal_label_sets_have_one_name_and_no_null_character():
    assert series_key({"b": "2", "a": "1"}) == series_key({"a": "1", "b": "2"}) == '{"a":"1","b":"2"}'
    assert json.loads(series_key({"a\0": "x\0y"})) == {"a\ufffd": "x\ufffdy"}


def test_a_chunk_comes_back_as_it_was():
    rows = (("k1", 1, 0.1), ("k2", 2, -1e300), ("k1", 3, 5.0))
    chunk = Chunk(rows)
    assert Chunk.decode(chunk.encode()) == chunk
    assert chunk.encode().count(b"k1") == 1
    assert chunk.newest_ms == 3
    assert Chunk(()).newest_ms == 0


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'{"series":["a"]}', b'{"series":[],"rows":[[0,1,2]]}',
                b'{"series":["a"],"rows":[[0,1]]}',
                b'{"series":["a"],"rows":[[0,"x",2]]}', b'{"series":["a"],"rows":7}'],
)  # fmt: skip
def test_what_is_no_chunk_is_named_so(payload):
    with pytest.raises(BadChunkError):
        Chunk.decode(payload)


def test_rows_are_cut_into_chunks():
    rows = [("k", t, 0.0) for t in range(5)]
    assert [len(chunk.rows) for chunk in in_chunks(rows, 2)] == [2, 2, 1]
    assert in_chunks([], 2) == []
