"""Groups under the scheduler: one time and one tick for those that are due together."""

import json

import numpy as np
import pytest

from services.evaluator.head import Layout
from services.evaluator.rules.rounds import Round
from services.evaluator.rules.scheduler import Scheduler
from services.evaluator.scrape.arrival import Arrival


class Bench:
    """Targets t0, t1 … that are scraped when the test says so."""

    def __init__(self, world):
        self.world, self.batches, self.rounds = world, [], 0
        self.layouts = {}
        self.scheduler = Scheduler(
            clock=world.clock, telemetry=world.manager._telemetry, submit=self.batches.append,
            scraped_once=lambda: True, prepare=None, new_round=self.new_round,
        )  # fmt: skip

    def new_round(self):
        self.rounds += 1
        return Round(self.world.engine, self.world.head)

    def rules(self, *groups):
        self.world.rules(json.dumps({"groups": list(groups)}))
        self.scheduler.set_groups(list(self.world.manager.runners.values()))

    def scrape(self, target=0, *, interval=10.0, value=1.0):
        layout = self.layouts.setdefault(target, Layout(({"__name__": "m", "target": str(target)},)))
        now = self.world.clock.now()
        self.world.head.target(f"t{target}", interval_s=interval).append(round(now * 1000), layout, np.array([value]))
        self.scheduler.arrive(Arrival(frozenset({"m"}), interval, now, f"t{target}"))

    def wait(self, seconds):
        self.world.clock._move_to(self.world.clock.monotonic() + seconds)

    def turn(self):
        self.batches.clear()
        while any(slot.due <= self.world.clock.monotonic() for slot in self.scheduler._slots.values()):
            self.scheduler.turn()
        return [batch.group.removeprefix("r.yml;") for batch in self.batches]

    def value(self, query):
        now = round(self.world.clock.now() * 1000)
        return self.world.engine.instant(query, self.world.head, now).value.values.tolist()


@pytest.fixture
def bench(world):
    return Bench(world)


def record(name, expr, *, interval="10s", group=None):
    return {"name": group or name, "interval": interval, "rules": [{"record": name, "expr": expr}]}


def test_a_round_is_one_tick_at_one_time(bench, world):
    bench.rules(record("a", "sum(m)"), record("b", "1 + sum(m)"), record("c", "2 + sum(m)"))
    selected = []
    select = world.head.select
    world.head.select = lambda *args: selected.append(args) or select(*args)
    bench.scrape()
    assert bench.turn() == ["a", "b", "c"]
    assert bench.rounds == 1
    assert len(selected) == 1
    assert len({runner.last_at for runner in world.manager.runners.values()}) == 1


def test_many_targets_are_one_evaluation_per_interval(bench):
    bench.rules(record("a", "sum(m)"))
    for target in range(8):
        bench.scrape(target)
        bench.wait(1.25)
        bench.turn()
    ran = []
    for _ in range(5):
        for target in range(8):
            bench.scrape(target)
            ran += bench.turn()
            bench.wait(1.25)
    assert 5 <= len(ran) <= 6


def test_what_groups_record_is_read_in_the_same_round(bench):
    bench.rules(record("c", "b + 1"), record("b", "a + 1"), record("a", "sum(m)"))
    bench.scrape(value=5.0)
    assert bench.turn() == ["a", "b", "c"]
    assert (bench.value("a"), bench.value("b"), bench.value("c")) == ([5.0], [6.0], [7.0])
    bench.wait(10.0)
    bench.scrape(value=7.0)
    assert bench.turn() == ["a", "b", "c"]
    assert (bench.value("b"), bench.value("c")) == ([8.0], [9.0])


def test_groups_that_read_each_other_come_to_rest(bench):
    bench.rules(record("a", "sum(m) or b"), record("b", "sum(m) or a"))
    bench.scrape()
    assert bench.turn() == ["a", "b"]
    bench.wait(10.0)
    bench.scrape()
    assert sorted(bench.turn()) == ["a", "b"]
    assert bench.turn() == []


def test_a_late_target_does_not_hold_the_others_up(bench, world):
    bench.rules(record("a", "sum(m)"))
    for _ in range(3):
        bench.scrape(0)
        bench.scrape(1)
        bench.turn()
        bench.wait(10.0)

    def late():
        labels = {"group": "r.yml;a", "cause": "interval"}
        return world.telemetry.registry.get_sample_value("tocsin_rule_group_evaluations_total", labels)

    before = late()
    bench.scrape(0)
    assert bench.turn() == []
    bench.wait(0.6)
    assert bench.turn() == ["a"]
    assert late() == before + 1


def test_a_reload_tries_what_stays_at_once_and_knows_its_sources(bench):
    bench.rules(record("a", "sum(m)"))
    for _ in range(2):
        bench.scrape()
        bench.turn()
        bench.wait(10.0)
    bench.rules(record("a", "sum(m)"), record("b", "sum(m)"))
    assert set(bench.scheduler._slots["r.yml;a"].sources) == {"t0"}
    assert "a" in bench.turn()


def test_a_long_round_pauses_and_goes_on(bench, world):
    bench.rules(*[record(f"g{n}", f"sum(m) + {n}") for n in range(4)])
    bench.scrape()
    ticking = iter(range(10_000))
    world.clock.monotonic = lambda: next(ticking) * 0.1
    bench.scheduler.turn()
    assert 0 < len(bench.batches) < 4
    for _ in range(4):
        bench.scheduler.turn()
    assert {batch.group for batch in bench.batches} == {f"r.yml;g{n}" for n in range(4)}
    assert len({runner.last_at for runner in world.manager.runners.values()}) == 1
    assert bench.rounds == 1


@pytest.fixture
def paused(bench, world):
    """A round of four groups over one target's sample 1.0, some of them evaluated."""
    bench.rules(*[record(f"g{n}", "sum(m)") for n in range(4)])
    bench.scrape(0, value=1.0)
    ticking = iter(range(10_000))
    world.clock.monotonic = lambda: next(ticking) * 0.1
    bench.scheduler.turn()
    assert 0 < len(bench.batches) < 4
    return bench


def go_on(bench):
    while len(bench.batches) < 4:
        bench.scheduler.turn()


def test_samples_of_the_rounds_time_between_two_turns_open_the_tick_anew(paused):
    paused.scrape(1, value=5.0)
    go_on(paused)
    assert paused.rounds == 2
    assert {paused.value(f"g{n}")[0] for n in range(4)} == {1.0, 6.0}


def test_a_round_that_is_opened_again_and_again_takes_longer_turns(bench, world):
    bench.rules(*[record(f"g{n}", f"sum(m) + {n}") for n in range(200)])
    bench.scrape(0)
    ticking = iter(range(100_000))
    world.clock.monotonic = lambda: next(ticking) * 0.05
    turns = 0
    while len(bench.batches) < 200:
        bench.scheduler.turn()
        bench.scrape(1)
        turns += 1
    assert bench.rounds == turns < 10


def test_samples_after_the_rounds_time_change_nothing_of_it(paused, world):
    at = round(world.clock.now() * 1000)
    world.clock.jump(0.05)
    paused.scrape(0, value=3.0)
    paused.scrape(1, value=5.0)
    go_on(paused)
    assert paused.rounds == 1
    values = [world.engine.instant(f"g{n}", world.head, at).value.values.tolist() for n in range(4)]
    assert values == [[1.0]] * 4


def test_columns_that_moved_between_two_turns_open_the_tick_anew(paused, world):
    at, pool = round(world.clock.now() * 1000), world.head.target("t0").pool
    world.head.set_retention(60.0)
    before = pool.moves
    for _ in range(100):
        world.clock.jump(10.0)
        paused.scrape(0, value=3.0)
        if pool.moves > before:
            break
    assert pool.moves > before
    go_on(paused)
    assert paused.rounds == 2
    values = [world.engine.instant(f"g{n}", world.head, at).value.values.tolist() for n in range(4)]
    assert [value for value in values if value] == [[1.0]] * len(paused.batches[:1])


def test_an_evaluation_says_how_many_samples_it_looked_at(bench, world):
    bench.rules(record("a", "sum(m)"), record("b", "sum(m)"), record("c", "1"))
    bench.scrape(0)
    bench.scrape(1)
    bench.turn()
    seen = {
        runner.group.name: [one.samples for health in runner.health.values() for one in health.evaluations]
        for runner in world.manager.runners.values()
    }
    assert seen == {"a": [2], "b": [2], "c": [0]}
