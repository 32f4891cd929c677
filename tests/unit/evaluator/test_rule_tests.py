"""promtool's unit-test files, and the checks of rule files."""

import math

import pytest

from services.evaluator.check import check_files
from services.evaluator.promql import ABSENT, STALE
from services.evaluator.ruletest.notation import NotationError, parse_labels, parse_values
from services.evaluator.unit_tests import run_rule_tests

RULES = """groups:
- name: g
  interval: 7h
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.instance }} is down"}
- name: h
  rules:
  - {alert: Few, expr: job:up:sum < 2}
"""
TESTS = """rule_files: [rules.yml]
evaluation_interval: 1m
group_eval_order: [g, h]
tests:
- name: down
  interval: 1m
  input_series:
  - {series: 'up{job="a", instance="x"}', values: '1x2 0x5'}
  - {series: 'up{job="a", instance="y"}', values: '1+0x20'}
  alert_rule_test:
  - {eval_time: 4m, alertname: Down}
  - eval_time: 5m
    alertname: Down
    exp_alerts:
    - exp_labels: {severity: page, job: a, instance: x}
      exp_annotations: {summary: x is down}
  - {eval_time: 3m, alertname: Few, exp_alerts: [{exp_labels: {job: a}}]}
  promql_expr_test:
  - {expr: 'job:up:sum', eval_time: 5m, exp_samples: [{labels: 'job:up:sum{job="a"}', value: 1}]}
  - {expr: 'up{instance="x"}', eval_time: 5m30s, exp_samples: [{labels: 'up{job="a", instance="x"}', value: 0}]}
"""


@pytest.fixture
def files(tmp_path):
    def write(tests=TESTS, rules=RULES):
        (tmp_path / "rules.yml").write_text(rules)
        (tmp_path / "tests.yml").write_text(tests)
        return run_rule_tests([tmp_path / "tests.yml"])

    return write


def test_a_good_file_passes(files):
    report = files()
    assert report.passed, report.text()
    assert report.text().endswith("tests.yml: passed (1 tests)")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("x is down", "y is down", "alertname: Down, time: 300s"),
        ("severity: page, job", "severity: other, job", "exp: labels"),
        ("{eval_time: 4m, alertname: Down}", "{eval_time: 5m, alertname: Down}", "exp: none"),
        ("{eval_time: 4m, alertname: Down}", "{eval_time: 4m}", "alertname is missing"),
        ("value: 1}", "value: 2}", "expr: 'job:up:sum'"),
        ("expr: 'job:up:sum'", "expr: 'foo('", "err:"),
        ("rule_files: [rules.yml]", "rule_files: [none.yml]", "no file is named none.yml"),
        ("[g, h]", "[g, z]", "groups that no rule file has: z"),
        ("1+0x20", "1+0xx", "is not a sample"),
        ("evaluation_interval", "evaluation_intervall", "unknown key"),
        ('instance="y"}\'', 'instance="x"}\'', "stands twice"),
        ("eval_time: 5m30s", "eval_time: 5000000h", "more than 1000000 evaluations"),
        ("value: 1}", "histogram: '{{sum:1}}'}", "native histograms"),
    ],
)
def test_a_wrong_expectation_fails_and_says_where(files, old, new, words):
    report = files(TESTS.replace(old, new, 1))
    assert not report.passed
    assert words in report.text()


def test_a_rule_that_can_not_be_evaluated_fails_the_case(files):
    report = files(rules=RULES.replace("sum by (job) (up)", "up * on (job) up"))
    assert "rule: job:up:sum, time: 0s, err: " in report.text()


def test_broken_rules_are_named(files):
    assert "could not parse expression" in files(rules=RULES.replace("up == 0", "up == (")).text()


def test_a_start_time_and_external_labels(files):
    report = files("""tests:
- start_timestamp: 2020-01-01T00:00:00Z
  external_labels: {dc: eu}
  promql_expr_test: [{expr: time(), eval_time: 1m, exp_samples: [{value: 1577836860}]}]
""")
    assert report.passed, report.text()


@pytest.mark.parametrize(("fuzzy", "passed"), [("true", True), ("false", False)])
def test_fuzzy_comparison(files, fuzzy, passed):
    report = files(f"""fuzzy_compare: {fuzzy}
tests:
- promql_expr_test: [{{expr: vector(3), eval_time: 0, exp_samples: [{{value: 3.0000000000000004}}]}}]
""")
    assert report.passed is passed


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -3", [1, 2.5, -3]), ("1x2", [1, 1, 1]), ("1+2x2", [1, 3, 5]), ("5-2x2", [5, 3, 1]),
        ("-1+-1x1", [-1, -2]),
        ("1e3", [1000]), ("Inf -Inf", [math.inf, -math.inf]), ("", []), (".5", [0.5]),
    ],
)  # fmt: skip
def test_values(text, values):
    assert parse_values(text) == values


def test_missing_and_stale():
    import numpy as np

    found = np.array(parse_values("_ _x2 stale NaN")).view(np.int64).tolist()
    absent, stale = np.array([ABSENT, STALE]).view(np.int64).tolist()
    assert found[:4] == [absent, absent, absent, stale]
    assert math.isnan(parse_values("NaN")[0])


@pytest.mark.parametrize("text", ["x", "1+2", "1x", "0x8y", "{{sum:1}}", "1xx2", "1x9999999"])
def test_bad_values(text):
    with pytest.raises(NotationError):
        parse_values(text)


def test_series():
    assert parse_labels('m{a="1",b=""}') == {"__name__": "m", "a": "1"}
    assert parse_labels("{}") == {}
    for text in ('m{a=~"1"}', "sum(m)", "m{", "m[5m]"):
        with pytest.raises(NotationError):
            parse_labels(text)


def test_checking_files(tmp_path):
    (tmp_path / "a.yml").write_text(RULES)
    (tmp_path / "b.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: 'up('}]}]")
    problems = check_files([tmp_path / "a.yml", tmp_path / "b.yml", tmp_path / "none.yml"])
    assert [(one.severity, one.rule) for one in problems] == [
        ("warning", "Down"), ("warning", "Few"), ("error", "A"), ("error", ""),
    ]  # fmt: skip
    assert "no annotation description" in str(problems[0])
    assert "can't be read" in str(problems[-1])
