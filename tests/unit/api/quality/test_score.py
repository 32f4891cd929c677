"""The formula of docs/code-quality.md."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.quality.parsers import BY_KIND
from services.api.quality.report import Finding, Vulnerability, make_report
from services.api.quality.score import ITEMS, PART_WEIGHTS, PARTS, RISKS, score

LINES = 1000
TESTS = {"passed": 100.0, "failed": 0.0, "skipped": 0.0, "slow": 0.0, "fast_passed": 100.0}
HOLE = Vulnerability("a", "1", "2", "X", "high")
CLEAN = {
    "bandit": make_report("bandit"),
    "coverage": make_report("coverage", measures={"line_ratio": 1.0, "branch_ratio": 1.0, "lines": 10.0}),
    "junit": make_report("junit", measures=TESTS),
    "mypy": make_report("mypy"),
    "pip-audit": make_report("pip-audit"),
    "radon-cc": make_report("radon-cc"),
    "radon-mi": make_report("radon-mi"),
    "ruff": make_report("ruff"),
}


def scores(lines=LINES, **changed):
    reports = CLEAN | {kind.replace("_", "-"): report for kind, report in changed.items()}
    return score([report for report in reports.values() if report is not None], lines)


def item(found, key):
    return next(one for one in found.items if one.item.key == key)


def findings(count, key, severity="info"):
    return [Finding(key, severity, "X", "m")] * count


def junit(**changed):
    return make_report("junit", measures=TESTS | changed)


def test_weights_sum_up():
    assert sum(PART_WEIGHTS.values()) == pytest.approx(1)
    for part in PARTS:
        assert sum(one.weight for one in ITEMS if one.part == part) == pytest.approx(1)
    assert {kind for one in ITEMS for kind in (one.needs, *one.also)} == set(BY_KIND)


def test_nothing_found_is_ten():
    found = scores()
    assert found.overall == pytest.approx(10)
    assert dict(found.parts) == pytest.approx(dict.fromkeys(PARTS, 10))
    assert all(one.lost == 0 for one in found.items)


@pytest.mark.parametrize(
    ("changed", "key", "value", "measure"),
    [
        ({"ruff": make_report("ruff", findings(20, "lint"))}, "lint", 5, 20),
        ({"ruff": make_report("ruff", findings(40, "lint"))}, "lint", 2.5, 40),
        ({"ruff": make_report("ruff", findings(2, "lint", "critical"))}, "lint", 5, 20),
        ({"ruff": make_report("ruff", findings(5, "efficiency"))}, "efficiency", 5, 5),
        ({"mypy": make_report("mypy", findings(10, "types"))}, "types", 5, 10),
        ({"radon_cc": make_report("radon-cc", findings(1, "complexity", "critical"))}, "complexity", 5, 10),
        ({"radon_mi": make_report("radon-mi", findings(5, "maintainability"))}, "maintainability", 5, 5),
        ({"bandit": make_report("bandit", findings(5, "code"))}, "code", 5, 5),
        ({"sarif": make_report("sarif", findings(5, "code"))}, "code", 5, 5),
        ({"sarif": make_report("sarif", findings(20, "lint"))}, "lint", 5, 20),
        ({"pip_audit": make_report("pip-audit", vulnerabilities=[HOLE])}, "dependencies", 5, 1),
        ({"junit": junit(slow=5.0, fast_passed=95.0)}, "slow_tests", 5, 0.05),
        ({"junit": junit(failed=1.0, passed=99.0)}, "results", 5, 0.01),
        ({"junit": junit(skipped=25.0)}, "results", 5, 0),
        ({"junit": junit(passed=0.0, failed=3.0, fast_passed=0.0)}, "results", 0, 1),
        ({"coverage": make_report("coverage", measures={"line_ratio": 0.5, "branch_ratio": 0.25})}, "coverage", 4, 0.4),
        ({"coverage": make_report("coverage", measures={"line_ratio": 0.5})}, "coverage", 5, 0.5),
    ],
)  # fmt: skip
def test_items(changed, key, value, measure):
    found = scores(**changed)
    assert (item(found, key).score, item(found, key).measure) == pytest.approx((value, measure), abs=1e-9)
    weight = PART_WEIGHTS[item(found, key).item.part] * item(found, key).item.weight
    assert item(found, key).lost == pytest.approx(weight * (10 - value))
    assert found.overall == pytest.approx(10 - sum(one.lost for one in found.items))


def test_a_larger_code_may_have_more_findings():
    report = make_report("ruff", findings(40, "lint"))
    assert item(scores(2 * LINES, ruff=report), "lint").score == pytest.approx(5)


@pytest.mark.parametrize("kind", sorted(CLEAN))
def test_without_a_report_its_part_has_no_score_and_names_it(kind):
    found = scores(**{kind.replace("-", "_"): None})
    parts = {one.part for one in ITEMS if one.needs == kind}
    assert {part for part, value in found.parts.items() if value is None} == parts
    assert found.overall is None
    assert {part: kinds for part, kinds in found.missing.items() if kinds} == dict.fromkeys(parts, (kind,))


def test_osv_scanner_adds_to_pip_audit_and_counts_no_hole_twice():
    again = Vulnerability("A", "1", "", "GHSA-1", "critical", aliases=("X",))
    other = Vulnerability("b", "1", "", "GHSA-2", "high")
    osv = make_report("osv-scanner", vulnerabilities=[dataclasses.replace(again, package="a"), other])
    found = item(scores(pip_audit=make_report("pip-audit", vulnerabilities=[HOLE]), osv_scanner=osv), "dependencies")
    assert (found.measure, found.score) == pytest.approx((2, 10 * 2 ** -(15 / 5)))


def test_sarif_alone_makes_no_score():
    found = score([make_report("sarif")], LINES)
    assert [one.score for one in found.items] == [None] * len(ITEMS)
    assert found.missing["security"] == ("bandit", "pip-audit")


KEYS = sorted({one.key for one in ITEMS if one.half})
REPORTS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(["critical", "warning", "info"])), max_size=30)
HOLES = st.lists(st.sampled_from(sorted(RISKS)), max_size=6)
COUNTS = st.tuples(*[st.integers(0, 30)] * 4)


def _made(found, holes, counts, covered, lines):
    fast, slow_passed, failed, skipped = counts
    measures = {
        "passed": fast + slow_passed + 1.0, "failed": float(failed), "skipped": float(skipped),
        "slow": float(slow_passed), "fast_passed": fast + 1.0,
    }  # fmt: skip
    by_kind = {
        one.needs: [Finding(key, severity, "X", "m") for key, severity in found for own in ITEMS
                    if own.key == key and own.needs == one.needs]
        for one in ITEMS
    }  # fmt: skip
    reports = [
        make_report(kind, ones, vulnerabilities=[
            Vulnerability("p", "1", "", str(index), risk) for index, risk in enumerate(holes)
        ] if kind == "pip-audit" else ())
        for kind, ones in by_kind.items() if kind not in {"junit", "coverage"}
    ]  # fmt: skip
    cover = make_report("coverage", measures={"line_ratio": covered / lines, "branch_ratio": covered / lines})
    return [*reports, make_report("junit", measures=measures), cover]


def _all(found):
    return [found.overall, *found.parts.values(), *(one.score for one in found.items)]


@given(
    REPORTS,
    REPORTS,
    HOLES,
    HOLES,
    COUNTS,
    st.integers(0, 20),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(1, 9999),
)
def test_more_findings_never_raise_a_score(found, more, holes, more_holes, counts, covered, failing, skipping, lines):
    before = score(_made(found, holes, counts, covered, 20), lines)
    fast, slow, failed, skipped = counts
    worse = (fast, slow, failed + failing, skipped + skipping)
    after = score(_made(found + more, holes + more_holes, worse, max(0, covered - failing), 20), lines)
    for was, now in zip(_all(before), _all(after), strict=True):
        assert 0 <= now <= was + 1e-9 <= 10 + 1e-8


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 9))
def test_a_test_that_fails_or_becomes_slow_never_raises_a_score(fast, slow, failed):
    def of(fast, slow, failed):
        measures = {"passed": float(fast + slow), "failed": float(failed), "skipped": 0.0, "slow": float(slow)}
        return _all(scores(junit=make_report("junit", measures=measures | {"fast_passed": float(fast)})))

    before = of(fast, slow, failed)
    for after in (of(fast - 1, slow, failed + 1), of(fast - 1, slow + 1, failed), of(fast, slow, failed + 1)):
        assert all(now <= was + 1e-9 for was, now in zip(before, after, strict=True))


def test_the_real_reports_score():
    samples = Path(__file__).parent / "samples"
    names = {kind: f"{kind}.json" for kind in BY_KIND} | {
        "junit": "junit.xml", "coverage": "coverage.xml", "mypy": "mypy.txt", "sarif": "ruff.sarif",
    }  # fmt: skip
    reports = [parser.parse((samples / names[kind]).read_bytes()) for kind, parser in BY_KIND.items()]
    found = score(reports, 44)
    assert found.overall is not None
    assert 0 < found.overall < 5
    assert all(dataclasses.is_dataclass(one) and one.score < 10 for one in found.items)


def test_the_documents_numbers_are_the_codes():
    text = (Path(__file__).parents[4] / "docs" / "code-quality.md").read_text(encoding="utf-8")
    for one in ITEMS:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{one.key}`"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1] == one.part
        assert cells[2] == f"{one.weight:.0%}".replace("%", " %")
        assert cells[3] == " + ".join(f"`{kind}`" for kind in (one.needs, *one.also))
        if one.half:
            assert cells[4].startswith(f"{one.half:g} weighted findings")
    for part, weight in PART_WEIGHTS.items():
        assert f"{part} {weight:.0%}".replace("%", " %") in text
