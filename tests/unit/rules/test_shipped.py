"""The rules that we ship hold their own unit tests and pass their own checks."""

from pathlib import Path

import pytest

from services.evaluator.check import check_files
from services.evaluator.unit_tests import run_rule_tests

ROOT = Path(__file__).parents[3] / "rules"
# Packs that are loaded only where somebody asks for them.
PACKS = sorted(path for folder in ("anomalies", "community") for path in (ROOT / folder).glob("*.yml"))
FILES = [*sorted(ROOT.glob("*.yml")), *PACKS]


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_unit_tests_of_rules(path: Path) -> None:
    (report,) = run_rule_tests([path]).files
    assert report.cases, report.problem
    assert report.passed, [case for case in report.cases if case.failures]


def test_nothing_is_wrong_with_the_rules() -> None:
    assert [str(problem) for problem in check_files(sorted(ROOT.glob("*.yml")))] == []


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_the_packs(path: Path) -> None:
    assert [str(problem) for problem in check_files([path])] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_has_tests(path: Path) -> None:
    name = path.name if path.parent == ROOT else f"{path.parent.name}-{path.name}"
    assert (ROOT / "tests" / name).exists(), f"write rules/tests/{name}"
