"""Expressions over metrics that are not there: computed once, and anew as soon as they may say something else."""

import pytest

from services.evaluator.promql import EvaluationError, Result, VectorResult, parse
from services.evaluator.rules.still import StillExpression


class Counting:
    """Stands in for a tick; gives a new result at each asking."""

    def __init__(self, fails=0):
        self.asked, self.fails = 0, fails

    def instant(self, _expr):
        self.asked += 1
        if self.asked <= self.fails:
            raise EvaluationError("no")
        return Result("vector", VectorResult([], [], self.asked))


@pytest.mark.parametrize(
    ("expr", "there", "rests"),
    [
        ("a > 1", "", True),
        ("a > 1", "b", True),
        ("a > 1", "a", False),
        ("a > 1 or b > 1", "b", False),
        ("a * on (x) group_left sum by (x) (rate(b[5m]))", "c", True),
        ("absent(a)", "", True),
        ("vector(1)", "a", True),
        ('{__name__="a"}', "", True),
        ("max_over_time((a > 1)[5m:1m])", "", True),
        # A pattern may meet any name.
        ('{__name__=~"a.*"}', "", False),
        ('a or {x="y"}', "", False),
        # The second part of info() is any series that ends in _info, unless its name is told.
        ("info(a)", "", True),
        ("info(a)", "target_info", False),
        # What tells the time changes by itself.
        ("time() - a", "", False),
        ("vector(time()) > 3", "", False),
        ("absent(a) and on () hour() > 8", "", False),
        ("hour(a) > 8", "", True),
        ("sum_over_time(vector(time())[5m:1m])", "", False),
    ],
)
def test_what_may_rest(expr, there, rests):
    tick = Counting()
    still = StillExpression(parse(expr))
    found = [still.instant(tick, there.split().__contains__) for _ in range(3)]
    assert tick.asked == (1 if rests else 3)
    assert (found[0] is found[2]) is rests


def test_it_wakes_and_rests_again():
    tick, there = Counting(), set()
    still = StillExpression(parse("a > 1"))
    for names, asked in ((set(), 1), (set(), 1), ({"a"}, 2), ({"a"}, 3), (set(), 4), (set(), 4)):
        there = names
        still.instant(tick, there.__contains__)
        assert tick.asked == asked


def test_an_error_is_no_result():
    tick = Counting(fails=2)
    still = StillExpression(parse("a"))
    for _ in range(2):
        with pytest.raises(EvaluationError):
            still.instant(tick, set().__contains__)
    assert still.instant(tick, set().__contains__) is still.instant(tick, set().__contains__)
    assert tick.asked == 3


def test_a_rule_sees_a_metric_that_comes_and_goes(world):
    world.rules("""groups: [{name: g, rules: [
        {record: r, expr: sum(m)}, {alert: Over, expr: r > 1}, {alert: Away, expr: absent(m)}]}]""")
    fired = [{one.labels["alertname"] for one in world.round().events} for _ in range(2)]
    assert fired == [{"Away"}, set()]
    told = [(one.labels["alertname"], one.status.value) for one in world.round(m={"a": 2}).events]
    assert told == [("Over", "firing"), ("Away", "resolved")]
    # Past the look-back the series is still known: no rest, and absent() is right.
    told = [(one.labels["alertname"], one.status.value) for one in world.round(400.0).events]
    assert told == [("Over", "resolved"), ("Away", "firing")]
    world.head.prune(round((world.now + 20_000) * 1000))
    assert not world.head.index.has("m")
    world.round(60.0)
    assert world.values("ALERTS") == {"": 1}
