"""What unit-test files may say of Tocsin's own keys, JUnit, and coverage."""

import json
from xml.etree import ElementTree as ET

import pytest

from services.__main__ import main
from services.evaluator.ruletest.coverage import measure_coverage
from services.evaluator.unit_tests import run_rule_tests

RULES = """groups:
- name: g
  rules:
  - {alert: Queue, expr: queue > 20, clear: queue < 10, no_data: keep}
  - {alert: Cool, expr: temperature > 30, cooldown: 10m}
  - {alert: Capped, expr: load > 1, max_alerts_per_hour: 2}
  - {alert: Gone, expr: pulse < 1, no_data: alert}
"""
SERIES = """  - {series: queue, values: '5 25 15 15 _x8 15 5'}
  - {series: temperature, values: '40 20 40x10 20 40'}
  - {series: load, values: '2 0 2 0 2 0x70 2'}
  - {series: 'pulse{x="1"}', values: '1 1 stale _x20'}
"""


@pytest.fixture
def run(tmp_path):
    def write(*tests, rules=RULES, lenient=False):
        (tmp_path / "rules.yml").write_text(rules)
        lines = "".join(f"  - {test}\n" for test in tests)
        (tmp_path / "tests.yml").write_text(
            f"rule_files: [rules.yml]\ntests:\n- interval: 1m\n  input_series:\n{SERIES}  alert_rule_test:\n{lines}"
        )
        return run_rule_tests([tmp_path / "tests.yml"], lenient=lenient)

    return write


def expect(at, name, *alerts):
    return f"{{eval_time: {at}, alertname: {name}, exp_alerts: [{', '.join(alerts)}]}}"


@pytest.mark.parametrize(
    "test",
    [
        expect("0m", "Queue"),
        expect("1m", "Queue", "{}"),
        expect("2m", "Queue", "{}"),  # Below the threshold, above the one that clears.
        expect("10m", "Queue", "{}"),  # Its series is away: no recovery.
        expect("12m", "Queue", "{}"),
        expect("13m", "Queue"),
        expect("0m", "Cool", "{muted: ''}"),
        expect("2m", "Cool", "{muted: cooldown}"),
        expect("9m", "Cool", "{muted: cooldown}"),
        expect("10m", "Cool", "{muted: ''}"),
        expect("10m", "Cool", "{}"),
        expect("2m", "Capped", "{muted: ''}"),
        expect("4m", "Capped", "{muted: rate_cap}"),
        expect("76m", "Capped", "{muted: ''}"),
        expect("1m", "NoData"),
        expect(
            "2m", "NoData", "{exp_labels: {rule: Gone, x: '1'}, exp_annotations: {summary: No data for Gone, "
            "description: 'The metrics of rule Gone went missing for x=1.'}}"
        ),
    ],
)  # fmt: skip
def test_own_keys_as_expected(run, test):
    report = run(test)
    assert report.passed, report.text()


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (expect("2m", "Queue"), "exp: none"),
        (expect("13m", "Queue", "{}"), "got: none"),
        (expect("2m", "Cool", "{muted: ''}"), "muted 'cooldown'"),
        (expect("0m", "Cool", "{muted: cooldown}"), "muted ''"),
        (expect("0m", "Cool", "{muted: asleep}"), "muted"),
    ],
)
def test_own_keys_otherwise(run, test, words):
    report = run(test)
    assert not report.passed
    assert words in report.text()


def test_unknown_keys_are_read_over_when_asked(run):
    rules = "namespace: x\ngroups: [{name: g, owner: me, rules: [{alert: Queue, expr: queue > 20, team: t}]}]"
    assert "unknown key" in run(expect("1m", "Queue", "{}"), rules=rules).text()
    assert run(expect("1m", "Queue", "{}"), rules=rules, lenient=True).passed
    assert "rules.yml:1:1" in run(expect("1m", "Queue", "{}"), rules="[1]", lenient=True).text()


def test_labels_and_times_as_written(tmp_path):
    rules = """groups: [{name: g, rules: [
        {alert: A, expr: x > 1, labels: {v: 1.10, on: yes}, annotations: {s: '{{ $value }}', empty: }}]}]"""
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "tests.yml").write_text("""rule_files: [rules.yml]
evaluation_interval:
tests:
- start_timestamp: 2020-01-01
  input_series: [{series: x, values: 5}]
  alert_rule_test:
  - {eval_time: 0, alertname: A, exp_alerts: [{exp_labels: {v: 1.10, on: yes}, exp_annotations: {s: 5, empty: }}]}
  promql_expr_test:
  - {expr: time(), eval_time: 0, exp_samples: [{value: 1577836800}]}
  - {expr: x / 0, eval_time: 0, exp_samples: [{labels: '{}', value: .inf}]}
  - {expr: -x / 0, eval_time: 0, exp_samples: [{labels: '{}', value: -.Inf}]}
  - {expr: vector(0) / 0, eval_time: 0, exp_samples: [{labels: , value: .nan}]}
""")
    report = run_rule_tests([tmp_path / "tests.yml"])
    assert report.passed, report.text()


def test_junit(run, tmp_path, capsys):
    run(expect("1m", "Queue"), expect("1m", "Queue", "{}"))
    (tmp_path / "broken.yml").write_text("rule_files: [none.yml]\n")
    out = tmp_path / "junit.xml"
    files = [str(tmp_path / "tests.yml"), str(tmp_path / "broken.yml")]
    assert main(["rules", "test", *files, "--junit", str(out)]) == 1
    assert "FAILED" in capsys.readouterr().out
    root = ET.fromstring(out.read_text())  # noqa: S314 - written by us just now
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "1"}
    failed, broken = root.iter("testsuite")
    assert failed.find("testcase/failure").attrib["message"] == "alertname: Queue, time: 60s"
    assert "no file is named none.yml" in broken.find("testcase/error").attrib["message"]
    assert main(["rules", "test", *files, "--junit", str(tmp_path / "no/where.xml")]) == 2
    assert "can't be written" in capsys.readouterr().err


class TestCoverage:
    RULES = """groups:
- name: g
  rules:
  - {record: 'r:load', expr: sum(load) or vector(0)}
  - {record: unread, expr: nothing_there}
  - {alert: A, expr: 'queue > 20 and on () r:load < 9', for: 1m}
  - {alert: B, expr: temperature > 99 unless on () queue > 99}
"""

    def test_what_is_touched(self, run, tmp_path, capsys):
        run(expect("1m", "A"), rules=self.RULES)
        path = tmp_path / "tests.yml"
        found = {rule.rule: rule.untouched for rule in measure_coverage([path]).rules}
        assert found == {
            # It ends at 1 min, when queue is above 20 for the first time.
            "A": ["firing"],
            "r:load": [],
            "unread": ["checked by a test", "has a result"],
            "B": [
                "checked by a test", "firing",
                "left of unless has series: temperature > 99", "right of unless has series: queue > 99",
            ],
        }  # fmt: skip
        assert main(["rules", "coverage", str(path), "--min", "90"]) == 1
        out = capsys.readouterr().out
        assert 'rule "A": no test: firing' in out
        assert "58.8 % of the branches touched; 1 of 4 rules wholly" in out
        assert main(["rules", "coverage", str(path), "--min", "50", "--format", "json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["rules"][0]["branches"]["checked by a test"] is True

    def test_files_that_cannot_be_run(self, tmp_path, capsys):
        assert main(["rules", "coverage", str(tmp_path / "none.yml")]) == 2
        assert "error: " in capsys.readouterr().out

    def test_expressions_of_tests_check_what_they_read(self, tmp_path):
        (tmp_path / "rules.yml").write_text(self.RULES)
        (tmp_path / "tests.yml").write_text(
            "rule_files: [rules.yml]\ntests: [{promql_expr_test: [{expr: 'r:load', eval_time: 0m}, "
            "{expr: 'x >', eval_time: 0m}]}]"
        )
        found = {
            rule.rule: rule.branches["checked by a test"] for rule in measure_coverage([tmp_path / "tests.yml"]).rules
        }
        assert found == {"r:load": True, "unread": False, "A": False, "B": False}
