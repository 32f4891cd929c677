"""Groups that another server evaluates: what is asked of it, and when."""

import asyncio
import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest

from services.common.labels import fingerprint
from services.evaluator.promql import EvaluationError, PromqlError, Result, ScalarResult, VectorResult
from services.evaluator.remote.prefetch import prefetch
from services.evaluator.rules.rounds import Round
from services.evaluator.rules.scheduler import Scheduler
from services.evaluator.rules.state import ActiveAlert, AlertState, RuleState


class Answering:
    """Stands in for a source: answers by expression, and counts what it was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    async def query(self, text, t_ms):
        self.asked.append((text, t_ms))
        await asyncio.sleep(0)
        found = self.answers.get(text, [])
        if isinstance(found, Exception):
            raise found
        if isinstance(found, float):
            return Result("scalar", ScalarResult(found, t_ms))
        labels = [labels for labels, _ in found]
        return Result("vector", VectorResult(labels, np.array([value for _, value in found], np.float64), t_ms))


def group(world, **keys):
    rule = {"alert": "A", "expr": "m > 1", **keys}
    world.rules(json.dumps({"groups": [{"name": "g", "source": "http://s", "interval": "10s", "rules": [rule]}]}))
    return world.runner


async def test_all_that_an_evaluation_needs_is_asked_at_its_time(world):
    runner = group(world, clear="m < 1", no_data="keep")
    source = Answering()
    answers = await prefetch(runner, source, world.now)
    assert sorted(source.asked) == [(text, round(world.now * 1000)) for text in ("m < 1", "m > 1", "m > bool 1")]
    assert runner.evaluate(world.now, lambda: 0.0, answers).failures == ()


async def test_queries_of_templates_are_found_out(world):
    inner = '{{ with query (printf "n{x=%q}" (query "top" | first | label "x")) }}{{ . | first | value }}{{ end }}'
    runner = group(world, annotations={"summary": inner})
    source = Answering(**{
        "m > 1": [({"x": "a"}, 2.0)], "top": [({"x": "b"}, 1.0)], 'n{x="b"}': [({}, 7.0)],
    })  # fmt: skip
    answers = await prefetch(runner, source, world.now)
    (event,) = runner.evaluate(world.now, lambda: 0.0, answers).events
    assert event.annotations == {"summary": "7"}
    assert [text for text, _ in source.asked] == ["m > 1", "top", 'n{x="b"}']


async def test_an_error_of_the_source_is_the_rules(world):
    runner = group(world, annotations={"summary": '{{ query "x" }}'})
    answers = await prefetch(runner, Answering(**{"m > 1": PromqlError("no")}), world.now)
    assert runner.evaluate(world.now, lambda: 0.0, answers).failures == (("A", "bad_expression"),)
    with pytest.raises(EvaluationError, match="was not asked"):
        answers.instant("other")


async def test_a_scalar_is_one_element(world):
    runner = group(world, expr="1 > bool 0")
    answers = await prefetch(runner, Answering(**{"1 > bool 0": 1.0}), world.now)
    assert len(runner.evaluate(world.now, lambda: 0.0, answers).events) == 1


async def test_its_samples_are_not_young_after_a_restart(world):
    world.settings = replace(world.settings, started_at=world.now)
    world.manager._settings = world.settings
    runner = group(world, expr="rate(m[1h]) > 1")
    (alerts,) = runner.alerts.values()
    old = ActiveAlert({"alertname": "A"}, {}, {}, 2.0, AlertState.FIRING, world.now - 60, fired_at=world.now - 60)
    alerts.state = RuleState({fingerprint({"alertname": "A"}): old})
    answers = await prefetch(runner, Answering(), world.now)
    (event,) = runner.evaluate(world.now, lambda: 0.0, answers).events
    assert event.status.value == "resolved"


def test_such_a_group_asks_nothing_of_the_head_but_what_it_writes(world):
    world.rules("groups: [{name: g, source: 'http://s', rules: [{record: r, expr: 'rate(m[9h])'}]}]")
    needs = world.manager.needs()
    assert (needs.names, needs.seconds) == (frozenset({"r"}), 0.0)


class Bench:
    def __init__(self, world, prepare):
        self.world, self.batches = world, []
        self.scheduler = Scheduler(
            clock=world.clock, telemetry=world.manager._telemetry, submit=self.batches.append,
            scraped_once=lambda: True, prepare=prepare, new_round=lambda: Round(world.engine, world.head),
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def running(self):
        self.scheduler.set_groups(list(self.world.manager.runners.values()))
        task = asyncio.create_task(self.scheduler.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


class TestSchedule:
    async def test_it_is_evaluated_once_per_interval_without_grace(self, world):
        runner = group(world)
        times = []

        async def prepare(_runner, now):
            times.append(now)
            return await prefetch(runner, Answering(), now)

        bench = Bench(world, prepare)
        began = world.clock.now()
        async with bench.running():
            for _ in range(3):
                await world.clock.advance(10.0)
        assert times == [pytest.approx(began + 10 * n) for n in range(4)]
        assert len(bench.batches) == 4

    async def test_a_slow_source_delays_nobody_and_misses_rounds(self, world):
        world.rules(
            "groups: [{name: far, source: 'http://s', interval: 10s, rules: [{record: r, expr: m}]},"
            "{name: near, interval: 10s, rules: [{record: s, expr: '1'}]}]"
        )
        far = next(one for one in world.manager.runners.values() if one.group.name == "far")
        answer = asyncio.Event()

        async def prepare(_runner, now):
            await answer.wait()
            return await prefetch(far, Answering(), now)

        bench = Bench(world, prepare)
        async with bench.running():
            await world.clock.advance(35.0)
            assert {batch.group for batch in bench.batches} == {"r.yml;near"}
            missed = world.telemetry.registry.get_sample_value(
                "tocsin_rule_group_evaluations_missed_total", {"group": "r.yml;far"}
            )
            assert missed == 3
            answer.set()
            await world.clock.advance(10.0)
            assert "r.yml;far" in {batch.group for batch in bench.batches}

    async def test_a_group_that_a_reload_replaced_meanwhile_is_left(self, world):
        old = group(world)
        answer = asyncio.Event()

        async def prepare(_runner, now):
            await answer.wait()
            return await prefetch(old, Answering(), now)

        bench = Bench(world, prepare)
        async with bench.running():
            await world.clock.advance(0.0)
            world.rules("groups: []")
            bench.scheduler.set_groups([])
            answer.set()
            await world.clock.advance(1.0)
        assert (bench.batches, old.last_at) == ([], None)

    async def test_a_defect_is_the_loops_to_report(self, world):
        group(world)

        async def prepare(_runner, _now):
            raise RuntimeError("defect")

        async with Bench(world, prepare).running() as task:
            with pytest.raises(RuntimeError, match="defect"):
                await task
