"""What rules write is heard of: samples and markers of staleness, each once."""

import struct
from dataclasses import replace

import pytest

from services.evaluator.promql import STALE
from services.evaluator.rules.settings import RuleSettings


def is_stale(value):
    return struct.pack("<d", value) == struct.pack("<d", STALE)


@pytest.fixture
def heard(world):
    found = []

    def written(t_ms, labels, values):
        for one, value in zip(labels, values, strict=True):
            name = one["__name__"] + "".join(f" {one[key]}" for key in ("x", "alertstate") if key in one)
            found.append((round(t_ms / 1000 - world.now), name, "stale" if is_stale(value) else value))

    world.manager._settings = replace(RuleSettings(external_url="http://t"), written=written)

    def take():
        taken, found[:] = sorted(found, key=str), []
        return taken

    return take


def test_series_that_come_stay_and_go(world, heard):
    world.rule(record="r", expr="m > 1")
    world.round(m={"a": 2, "b": 3})
    assert heard() == [(0, "r a", 2.0), (0, "r b", 3.0)]
    world.round(m={"a": 0, "b": 3})
    assert heard() == [(0, "r a", "stale"), (0, "r b", 3.0)]
    world.round(m={"a": 0, "b": 0})
    assert heard() == [(0, "r b", "stale")]
    world.round(m={"a": 0, "b": 0})
    assert heard() == []
    world.round(m={"a": 5, "b": 0})
    assert heard() == [(0, "r a", 5.0)]


def test_an_alert_that_fires_ends_its_pending_series(world, heard):
    world.rule(alert="A", expr="m > 1", **{"for": "10s"})
    world.round(m={"a": 2})
    began = world.now
    assert heard() == [(0, "ALERTS a pending", 1.0), (0, "ALERTS_FOR_STATE a", began)]
    world.round(m={"a": 2})
    assert heard() == [
        (0, "ALERTS a firing", 1.0), (0, "ALERTS a pending", "stale"), (0, "ALERTS_FOR_STATE a", began),
    ]  # fmt: skip


def test_a_rule_that_is_removed_ends_its_series(world, heard):
    world.rule(record="r", expr="m")
    world.round(m={"a": 2})
    heard()
    world.rules("groups: []")
    ((_, name, value),) = heard()
    assert (name, value) == ("r a", "stale")


def test_a_failed_evaluation_says_nothing(world, heard):
    world.rule(record="r", expr="m", labels={"x": "same"})
    world.round(m={"a": 2})
    heard()
    world.round(m={"a": 2, "b": 1})
    assert heard() == []
