"""One loop on a driven clock, its pages given by the test."""

import asyncio

import pytest

from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.head import Head
from services.evaluator.promql import Engine, VectorResult
from services.evaluator.scrape.client import Fetched
from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.loop import TargetLoop
from services.evaluator.scrape.targets import Target
from services.evaluator.telemetry import ScrapeTelemetry


class Rig:
    def __init__(self, **keys):
        self.clock = ManualClock(1_700_000_000.0)
        self.head = Head(retention_s=3600)
        self.engine = Engine()
        self.page, self.arrivals, self.asked = 'a 1\nb{x="y"} 2\n', [], []
        self.config = ScrapeConfig.model_validate({"job_name": "j", **keys}).with_defaults(GlobalConfig())
        self.telemetry = Telemetry("evaluator")
        self.scrapes = ScrapeTelemetry(self.telemetry)
        self.loop = self.make()

    def make(self):
        target = Target("j", "http://h:1/metrics", (("instance", "h:1"), ("job", "j")), 10.0, 5.0)
        return TargetLoop(
            target, self.config, self.fetch, self.head,
            clock=self.clock, telemetry=self.scrapes, on_arrival=self.arrivals.append,
        )  # fmt: skip

    async def fetch(self, _target):
        self.asked.append(self.clock.now())
        if isinstance(self.page, Exception):
            raise self.page
        return Fetched(self.page.encode(), openmetrics=False)

    async def scrape(self, page=None):
        if page is not None:
            self.page = page
        self.clock.jump(10)
        await self.loop.scrape(self.clock.now())

    def value(self, query):
        found = self.engine.instant(query, self.head, round(self.clock.now() * 1000)).value
        assert isinstance(found, VectorResult)
        return sorted(found.values.tolist())


async def test_each_tick_of_its_phase_once():
    rig = Rig()
    task = asyncio.create_task(rig.loop.run())
    for _ in range(35):
        await rig.clock.advance(1.0)
    task.cancel()
    assert len(rig.asked) in {3, 4}
    offset = rig.loop.target.offset(10.0)
    assert all(
        (at - offset) % 10 == pytest.approx(0, abs=1e-6) or (at - offset) % 10 == pytest.approx(10) for at in rig.asked
    )


async def test_samples_and_reports():
    rig = Rig()
    await rig.scrape()
    assert rig.value('{job="j", instance="h:1", __name__=~"a|b"}') == [1, 2]
    assert rig.value("up") == [1]
    assert rig.value("scrape_samples_scraped") == [2]
    assert rig.value("scrape_series_added") == [2]
    await rig.scrape()
    assert rig.value("scrape_series_added") == [0]
    assert {"a", "b", "up"} <= rig.arrivals[-1].names
    assert (rig.arrivals[-1].interval, rig.arrivals[-1].at) == (10.0, rig.clock.now())


async def test_a_series_that_goes_is_stale_at_once():
    rig = Rig()
    await rig.scrape()
    await rig.scrape("a 1\n")
    assert rig.value("b") == []
    assert rig.value("a") == [1]
    await rig.scrape('a 1\nb{x="y"} 4\nc 1\n')
    assert rig.value("b") == [4]
    assert rig.value("scrape_series_added") == [2]


async def test_a_failure_ends_all_series_and_is_news():
    rig = Rig()
    await rig.scrape()
    await rig.scrape(ScrapeError("timeout", "no answer within 5 s"))
    assert rig.value("a") == []
    assert rig.value("up") == [0]
    assert rig.value("scrape_samples_scraped") == [0]
    assert "a" in rig.arrivals[-1].names
    assert (rig.loop.status.health, rig.loop.status.last_error) == ("down", "no answer within 5 s")
    await rig.scrape(ScrapeError("timeout", "no answer within 5 s"))
    assert "a" not in rig.arrivals[-1].names
    await rig.scrape("a 5\n")
    assert rig.value("a") == [5]
    assert rig.loop.status.last_error == ""


async def test_the_end_of_a_target():
    rig = Rig()
    await rig.scrape()
    rig.loop.end()
    rig.clock.jump(1)
    assert rig.value('{job="j"}') == []


async def test_a_loop_that_takes_over_knows_what_to_end():
    rig = Rig()
    await rig.scrape()
    old, rig.loop = rig.loop, rig.make()
    rig.loop.take_over(old)
    await rig.scrape(ScrapeError("refused", "nobody listens"))
    assert rig.value("a") == []


async def test_own_timestamps_are_honoured_or_not():
    rig = Rig()
    at = round(rig.clock.now() * 1000)
    await rig.scrape(f"a 1 {at}\nb 2\n")
    await rig.scrape(f"a 1 {at}\nb 2\n")
    assert rig.value("timestamp(a)") == [at / 1000]
    assert rig.value("b") == [2]
    ignoring = Rig(honor_timestamps=False)
    await ignoring.scrape("a 1 1000\n")
    assert ignoring.value("a") == [1]


@pytest.mark.parametrize(
    ("keys", "page", "words"),
    [
        ({"sample_limit": 1}, "a 1\nb 2\n", "exceed sample_limit"),
        ({"label_limit": 3}, 'a{x="1"} 1\n', "more than label_limit"),
        ({"label_name_length_limit": 8}, 'a{much_too_long="1"} 1\n', "label_name_length_limit"),
        ({"label_value_length_limit": 8}, 'a{x="much too long"} 1\n', "label_value_length_limit"),
        ({"metric_relabel_configs": [{"regex": "__name__", "action": "labeldrop"}]}, "a 1\n", "removed the name"),
        ({}, 'a{x="1",x="2"} 1\n', "twice"),
        ({}, "a b c\n", "line 1"),
    ],
)
async def test_limits_and_faults_fail_the_whole_scrape(keys, page, words):
    rig = Rig(**keys)
    await rig.scrape(page)
    assert words in rig.loop.status.last_error
    assert rig.value("up") == [0]
    assert rig.value("a") == []


@pytest.mark.parametrize(
    ("honor", "expected"),
    [
        (False, {"job": "j", "instance": "h:1", "exported_job": "x", "exported_exported_job": "own"}),
        (True, {"job": "own", "instance": "h:1", "exported_job": "x"}),
    ],
)
async def test_labels_that_clash(honor, expected):
    rig = Rig(honor_labels=honor)
    await rig.scrape('m{job="own",exported_job="x",empty=""} 1\n')
    (block,) = [b for b in rig.head.select(_name("m"), 0, 1 << 60) if b.labels]
    assert dict(block.labels[0]) == {"__name__": "m", **expected}


def _name(name):
    from services.evaluator.promql import Matcher

    return [Matcher("__name__", "=", name)]


async def test_the_same_series_twice_counts_once():
    rig = Rig()
    await rig.scrape("a 1\na 2\n")
    assert rig.value("a") == [1]
    assert rig.value("scrape_samples_post_metric_relabeling") == [1]
