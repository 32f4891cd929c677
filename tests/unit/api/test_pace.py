"""When the evaluator is asked again: soon after it has evaluated."""

import pytest

from services.api.metrics import ApiMetrics
from services.api.overview.evaluated import Matrix, RuleGroups, Vector, next_evaluation
from services.api.overview.state import OverviewState
from services.api.poller import Poller
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock

NOW = 1_700_000_003.0
RULE = {"name": "tocsin:x", "type": "recording"}


def groups(*given):
    return RuleGroups.model_validate(
        {
            "groups": [
                {"name": f"g{n}", "interval": interval, "rules": [{**RULE, "lastEvaluation": last, **more}]}
                for n, (interval, last, more) in enumerate(given)
            ]
        }
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        ([(5, "2023-11-14T22:13:20Z", {})], 1_700_000_005.0),
        ([(30, "2023-11-14T22:13:20Z", {}), (5, "2023-11-14T22:13:21.5Z", {})], 1_700_000_006.5),
        ([(2.7, "2023-11-14T22:13:20Z", {})], NOW),  # a bit late
        ([(2, "2023-11-14T22:13:20Z", {})], None),  # at rest
        ([(5, "0001-01-01T00:00:00Z", {})], None),  # never yet
        ([(5, "2023-11-14T22:13:20Z", {"type": "alerting"})], None),
    ],
)
def test_the_next_evaluation_is_the_first_that_an_interval_promises(given, expected):
    assert next_evaluation(groups(*given), NOW) == expected


class Evaluator:
    def __init__(self, clock, answer):
        self.clock, self.answer, self.asked = clock, answer, []

    async def rules(self):
        self.asked.append(self.clock.now())
        return self.answer

    async def recorded_now(self, _at):
        return Vector.model_validate({"resultType": "vector", "result": []})

    async def recorded_since(self, _start, _end, _step):
        return Matrix.model_validate({"resultType": "matrix", "result": []})


@pytest.mark.parametrize(
    ("answer", "pause"),
    [(groups((5, "2023-11-14T22:13:19Z", {})), 1.06), (groups((60, "2023-11-14T22:13:19Z", {})), 2.0)],
)
async def test_a_round_ends_just_after_the_next_evaluation_or_with_the_interval(answer, pause):
    class Clock(ManualClock):
        slept = ()

        async def sleep(self, seconds):
            self.slept = (*self.slept, round(seconds, 6))

    clock, telemetry = Clock(NOW), Telemetry("api")
    state = OverviewState(None, stale_after=10, shown=())
    poller = Poller(state, Evaluator(clock, answer), clock, ApiMetrics(telemetry.registry), telemetry, interval=2.0)
    await poller.round()
    assert clock.slept == (pause,)
