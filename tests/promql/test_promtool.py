"""promtool's verdict on 485 unit-test files of real rule packs, and ours."""

import os
from pathlib import Path

import pytest

from tests.promql.pack import KNOWN, Verdict, judge, judge_all

RULES = "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]"
TESTS = """rule_files: [r.yml]
tests:
  - input_series: [{series: up, values: '0'}]
    alert_rule_test: [{eval_time: 0m, alertname: A, exp_alerts: [ALERTS]}]
"""


@pytest.mark.timeout(900)
def test_we_judge_as_promtool_does() -> None:
    suite = os.environ.get("PROMQL_SUITE", "")
    if not suite:
        pytest.skip("PROMQL_SUITE names no folder of conformance suites; run: make conformance PROMQL_SUITE=DIR")
    verdicts = list(judge_all(Path(suite).absolute() / "promtool"))
    assert len(verdicts) >= 485
    others = {
        verdict.file: f"expected {verdict.expected}: {verdict.text}" for verdict in verdicts if not verdict.agrees
    }
    assert others.keys() - KNOWN.keys() == set(), "\n".join(others.values())
    # One that agrees by now must leave the list.
    assert KNOWN.keys() - others.keys() == set()


@pytest.mark.parametrize(
    ("alerts", "extra", "needs", "found"),
    [
        ("{}", "", [], "pass"),
        ("", "", [], "fail"),
        ("{}", "nobody: knows", [], "fail"),
        ("{}", "nobody: knows", ["ignore_unknown_fields"], "pass"),
    ],
)
def test_the_runner_can_tell(tmp_path: Path, alerts: str, extra: str, needs: list[str], found: str) -> None:
    (tmp_path / "r.yml").write_text(f"{RULES}\n{extra}\n")
    (tmp_path / "t.yml").write_text(TESTS.replace("ALERTS", alerts))
    verdict = judge(tmp_path, {"file": "t.yml", "expected": "pass", "needs": needs})
    assert (verdict.found, verdict.agrees) == (found, found == "pass")


def test_a_pack_is_judged_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(RULES)
    (tmp_path / "good.yml").write_text(TESTS.replace("ALERTS", "{}"))
    (tmp_path / "bad.yml").write_text(TESTS.replace("ALERTS", ""))
    (tmp_path / "manifest.json").write_text(
        '[{"file": "good.yml", "expected": "pass", "needs": []}, {"file": "bad.yml", "expected": "fail", "needs": []}]'
    )
    verdicts = list(judge_all(tmp_path))
    assert [(one.file, one.found) for one in verdicts] == [("good.yml", "pass"), ("bad.yml", "fail")]
    assert all(isinstance(one, Verdict) and one.agrees for one in verdicts)
