"""Compiling rules, dry runs, and ids."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.api.overview.evaluated import Matrix, RuleGroups
from services.api.rules.compile import FILE, compiled, promql, rule_file
from services.api.rules.dry_run import POINTS, SHOWN, dry_run, grid
from services.api.rules.identity import FOLDER, find, with_ids
from services.api.rules.model import LabelCondition, RuleBody, ThresholdForm
from services.evaluator.promql import parse
from services.evaluator.rules.loader import RuleDefaults, load_file

FULL = RuleBody(
    name="Slow",
    expr=" rate(x[5m]) > 1 ",
    for_seconds=90,
    keep_firing_seconds=0.5,
    interval_seconds=15,
    severity="critical",
    category="system",
    component="fastapi",
    channels=("slack", "sms"),
    cooldown_seconds=0,
    max_alerts_per_hour=2,
    labels={"team": "a"},
    summary="S",
    description="D",
    action="A",
    action_link="/x",
)


@pytest.mark.parametrize(
    ("labels", "op", "threshold", "text"),
    [
        ((), ">", 20, "up > 20"),
        ((), "<=", 0.05, "up <= 0.05"),
        ((), "!=", -1, "up != -1"),
        ((), ">", 1e20, "up > 1e+20"),
        ((("a", "=", 'x"y\\'), ("b", "=~", "c|d")), ">", 1, 'up{a="x\\"y\\\\", b=~"c|d"} > 1'),
        ((("a", "=", "é\n"),), ">", 1, 'up{a="é\\n"} > 1'),
    ],
)
def test_a_form_becomes_promql(labels, op, threshold, text):
    conditions = tuple(LabelCondition(name=name, op=each, value=value) for name, each, value in labels)
    assert promql(ThresholdForm(metric="up", labels=conditions, op=op, threshold=threshold)) == text


_VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(_VALUES, st.floats(allow_nan=False, allow_infinity=False))
def test_every_form_is_promql_with_that_value_and_threshold(value, threshold):
    condition = LabelCondition(name="a", op="=", value=value)
    text = promql(ThresholdForm(metric="up", labels=(condition,), op=">", threshold=threshold))
    assert parse(text).text
    assert float(text.rpartition(" ")[2]) == threshold


def test_a_rule_file_says_everything_and_the_evaluator_reads_it(tmp_path):
    path = tmp_path / FILE
    path.write_text(rule_file([("7", FULL), ("8", RuleBody(name="B", expr="y > 1"))]))
    groups = load_file(path, RuleDefaults())
    assert [(group.name, group.interval) for group in groups] == [("api-7", 15.0), ("api-8", 15.0)]
    rule = groups[0].rules[0]
    assert (rule.hold, rule.keep_firing, rule.cooldown, rule.max_per_hour) == (90.0, 0.5, 0.0, 2)
    assert dict(rule.labels) == {
        "severity": "critical", "category": "system", "component": "fastapi", "channels": "slack,sms", "team": "a",
    }  # fmt: skip
    assert dict(rule.annotations) == {"summary": "S", "description": "D", "action": "A", "action_link": "/x"}


def test_what_is_not_given_is_left_to_the_evaluators_defaults():
    assert compiled(RuleBody(name="B", expr="y > 1")) == {
        "alert": "B", "expr": "y > 1", "labels": {"severity": "warning", "category": "performance"},
    }  # fmt: skip
    assert yaml.safe_load(rule_file([])) == {"groups": []}


def _run(times, hold, step=10, end=1000.0, labels=None):
    values = [[at, "1"] for at in times]
    result = [{"metric": {"__name__": "x", **(labels or {})}, "values": values}]
    matrix = Matrix.model_validate({"resultType": "matrix", "result": result})
    return dry_run("x > 0", matrix, hold, (0.0, end, step))


@pytest.mark.parametrize(
    ("times", "hold", "firings"),
    [
        ([10, 20, 30], 0, [(10, 40)]),
        ([10, 20, 30], 20, [(30, 40)]),
        ([10, 20, 30], 30, []),
        ([10, 20, 50, 60, 70], 10, [(20, 30), (60, 80)]),
        ([980, 990, 1000], 0, [(980, None)]),
        ([], 0, []),
    ],
)
def test_dry_runs_fire_after_the_hold_and_end_with_the_series(times, hold, firings):
    run = _run(times, hold)
    assert [(one.starts_at, one.ends_at) for one in run.firings] == firings
    assert run.count == len(firings)


def test_a_dry_run_shows_the_latest_and_counts_all():
    run = _run([at * 30 for at in range(SHOWN + 20)], 0, end=1e6, labels={"a": "b"})
    assert (run.count, len(run.firings), run.firings[0].labels) == (SHOWN + 20, SHOWN, {"a": "b"})


@pytest.mark.parametrize("hours", [0.01, 1, 24, 168])
def test_the_grid_is_fine_but_bounded(hours):
    start, end, step = grid(1_700_000_000.7, hours)
    assert (end, end - start) == (1_700_000_000.0, hours * 3600)
    assert step >= 5
    assert (end - start) / step <= POINTS + 1


def _groups(file, name, **rule):
    return RuleGroups.model_validate({"groups": [{"name": name, "file": file, "rules": [{"name": "A", **rule}]}]})


def test_ids_tell_rules_made_here_from_those_of_files():
    made = _groups(f"/data/{FOLDER}/{FILE}", "api-12")
    assert with_ids(made).groups[0].rules[0].id == "12"
    # A file of one's own that only looks like it is a file.
    for groups in (_groups("rules/dashboard.yml", "api-12"), _groups(f"/data/{FOLDER}/{FILE}", "other")):
        assert with_ids(groups).groups[0].rules[0].id.startswith("file-")
    one, other = _groups("a.yml", "g", query="x > 1"), _groups("a.yml", "g", query="x > 2")
    assert with_ids(one).groups[0].rules[0].id != with_ids(other).groups[0].rules[0].id
    assert find(one, with_ids(one).groups[0].rules[0].id)[1].query == "x > 1"
    assert find(None, "1") is None
    assert find(one, "12") is None
