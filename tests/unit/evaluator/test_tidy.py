"""When long-lived objects are taken out of the collector's sight, and that dead ones are found all the same."""

import gc

import pytest

from services.common.testing.clock import ManualClock
from services.evaluator.tidy import Tidy


@pytest.fixture
def calls(monkeypatch):
    seen = []
    for name in ("collect", "freeze", "unfreeze"):
        monkeypatch.setattr(gc, name, lambda *of, name=name: seen.append((name, *of)))
    return seen


def tidy(calls):
    clock = ManualClock()
    return clock, Tidy(clock, trim=lambda: calls.append(("trim",)))


GROWN = [("collect", 1), ("freeze",), ("trim",)]


async def test_a_small_evaluator_is_left_alone(calls):
    clock, one = tidy(calls)
    one.round(19_999, 0)
    await clock.advance(7200)
    one.round(9_999, 100)
    assert calls == []


def test_growth_is_frozen_without_a_full_collection(calls):
    _, one = tidy(calls)
    for series in (10_000, 100_000, 100_100, 119_000):
        one.round(series, 0)
    assert calls == GROWN
    one.round(100_000, 200)
    assert calls == GROWN * 2


@pytest.mark.parametrize("held", [(100_000, 0), (0, 1000)])
async def test_garbage_among_the_frozen_is_looked_for_once_an_hour(calls, held):
    clock, one = tidy(calls)
    one.round(*held)
    calls.clear()
    await clock.advance(3599)
    one.round(*held)
    assert calls == []
    await clock.advance(1)
    one.round(*held)
    assert calls == [("unfreeze",), ("collect",), ("freeze",), ("trim",)]
    one.round(*held)
    assert len(calls) == 4


def test_the_systems_own_trim_is_called():
    before = gc.get_freeze_count()
    try:
        Tidy(ManualClock()).round(100_000, 0)
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
