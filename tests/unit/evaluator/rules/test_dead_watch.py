"""Rules that join what can't match are named once; when it matches again, that is said, too."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from services.evaluator.head import Layout
from services.evaluator.rules.dead_watch import EVERY

_SIZE, _LIMIT = {"__name__": "size", "table": "a", "job": "pg"}, {"__name__": "limit", "job": "pg"}
_SPLIT = {"__name__": "limit", "table": "a", "job": "pg"}

_WAIT = 3 * EVERY


async def judge(world, *series):
    """Append the series, evaluate, look; return what the log says."""
    world.now += _WAIT
    await world.clock.advance(_WAIT)
    world.head.target("t").append(round(world.now * 1000), Layout(series), np.full(len(series), 9.0))
    world.runner.evaluate(world.now, lambda: 0.0)
    with capture_logs() as logs:
        world.manager.look_for_dead()
    return [(one["event"], one["rule"], one.get("problem")) for one in logs]


def without_series(world):
    return world.telemetry.registry.get_sample_value("tocsin_rules_without_series", {"group": "r.yml;g"})


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("size > limit", "> never matches: size has label table, which limit never has"),
        ("size and sum(limit)", "and never matches: size has labels job, table, which sum(limit) never has"),
        ("size > on (table) limit", "> never matches: size has label table, which limit never has"),
    ],
)
async def test_a_join_that_cannot_match_is_named_once(world, expr, problem):
    world.rule(alert="A", expr=f"({expr}) > 10")
    assert await judge(world, _SIZE, _LIMIT) == [], "it may still come"
    assert await judge(world, _SIZE, _LIMIT) == [("rule_matches_no_series", "A", problem)]
    assert await judge(world, _SIZE, _LIMIT) == []
    assert without_series(world) == 1
    (found,) = world.manager.dead.of("r.yml;g", world.runner.group.rules[0].key)
    assert (found.metric, found.label, found.text) == ("", "", problem)


async def test_a_join_that_matches_again_is_no_longer_dead(world):
    world.rule(alert="A", expr="size > limit")
    await judge(world, _SIZE, _LIMIT)
    await judge(world, _SIZE, _LIMIT)
    assert await judge(world, _SIZE, _SPLIT) == [("rule_matches_series_again", "A", None)]
    assert without_series(world) == 0


@pytest.mark.parametrize(
    "expr", ["size > 10", "size > on (job) group_left (unit) limit", "size unless on (job) limit > 99"]
)
async def test_a_rule_that_is_only_quiet_is_not_dead(world, expr):
    world.rule(alert="A", expr=f"({expr}) > 10")
    assert [await judge(world, _SIZE, _LIMIT) for _ in range(3)] == [[], [], []]
    assert without_series(world) == 0


async def test_a_rule_that_gives_series_is_not_doubted(world):
    world.rule(alert="A", expr="size unless limit")
    assert [await judge(world, _SIZE, _LIMIT) for _ in range(3)] == [[], [], []]
