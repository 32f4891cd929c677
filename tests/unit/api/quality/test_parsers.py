"""Reports of real tools (the samples are of a shop with mistakes) are read; broken ones are refused with the line."""

import importlib
import pkgutil
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.quality import parsers
from services.api.quality.parsers import BY_KIND, PARSERS
from services.api.quality.parsers.pip_audit import version_key
from services.api.quality.report import KEPT, Finding, ReportError, distinct, make_report
from services.api.quality.score import RISKS

SAMPLES = Path(__file__).parent / "samples"


def sample(name):
    return (SAMPLES / name).read_bytes()


def parse(kind, content):
    if isinstance(content, str):
        content = content.encode()
    return BY_KIND[kind].parse(content if isinstance(content, bytes) else orjson.dumps(content))


def brief(report):
    return [(one.item, one.severity, one.rule, one.file, one.line) for one in report.findings]


def test_the_folder_and_the_tuple_agree():
    folder = {module.name for module in pkgutil.iter_modules(parsers.__path__)}
    kinds = {importlib.import_module(f"{parsers.__name__}.{name}").KIND for name in folder}
    assert kinds == set(BY_KIND) == {parser.kind for parser in PARSERS}
    assert {kind.replace("-", "_") for kind in kinds} == folder
    assert len(PARSERS) == len(folder)


def test_ruff():
    report = parse("ruff", sample("ruff.json"))
    assert ("lint", "critical", "invalid-syntax", "/home/ci/shop/shop/broken.py", 1) in brief(report)
    assert ("lint", "warning", "S602", "/home/ci/shop/shop/pay.py", 7) in brief(report)
    assert {(one.item, one.rule) for one in report.findings if one.item == "efficiency"} == {
        ("efficiency", "PERF402"),
        ("efficiency", "ASYNC251"),
    }
    assert report.findings[0].severity == "critical"
    assert sum(report.counts.values()) == len(orjson.loads(sample("ruff.json")))
    assert parse("ruff", "[]").counts == {}


def test_ruffs_syntax_errors_of_older_versions_have_no_code():
    report = parse("ruff", [{"code": None, "message": "SyntaxError", "filename": "a.py", "location": None}])
    assert brief(report) == [("lint", "critical", "invalid-syntax", "a.py", 0)]


def test_mypys_text_and_json_say_the_same():
    text, lines = parse("mypy", sample("mypy.txt")), parse("mypy", sample("mypy.jsonl"))
    assert text == lines
    assert brief(text) == [
        ("types", "warning", "no-untyped-def", "shop/pay.py", 10),
        ("types", "warning", "return-value", "shop/pay.py", 19),
        ("types", "warning", "no-untyped-def", "shop/pay.py", 26),
    ]
    assert parse("mypy", sample("mypy-syntax.txt")).counts == {"critical": 2}
    assert parse("mypy", "Success: no issues found in 12 source files\n").counts == {}


def test_mypys_columns_notes_and_missing_codes():
    text = 'a.py:3:7:3:9: error: Bad "x"  [arg-type]\na.py:3: note: See\nb.py:4: error: No code\n'
    text += "Found 2 errors in 2 files\n"
    assert brief(parse("mypy", text)) == [
        ("types", "warning", "arg-type", "a.py", 3),
        ("types", "warning", "error", "b.py", 4),
    ]
    note = {"file": "a.py", "line": 1, "message": "See", "severity": "note"}
    assert parse("mypy", note).findings == ()


def test_bandit():
    report = parse("bandit", sample("bandit.json"))
    assert report.counts == {"critical": 2, "warning": 1, "info": 3}
    assert brief(report)[:2] == [
        ("code", "critical", "not-scanned", "shop/broken.py", 0),
        ("code", "critical", "B602", "shop/pay.py", 7),
    ]


def test_pip_audit():
    report = parse("pip-audit", sample("pip-audit.json"))
    assert [(one.package, one.installed, one.fixed_version, one.id) for one in report.vulnerabilities] == [
        ("flask", "0.5", "0.12.3", "PYSEC-2018-66"),
        ("flask", "0.5", "1.0", "PYSEC-2019-179"),
        ("pip", "21.3.1", "", "PYSEC-2099-1"),
    ]
    assert report.vulnerabilities[0].summary == "Improper input validation: large amount of memory usage."
    assert [one.rule for one in report.findings] == ["skipped"]
    assert parse("pip-audit", [{"name": "a", "version": "1", "vulns": []}]).vulnerabilities == ()


def test_osv_scanner():
    found = parse("osv-scanner", sample("osv-scanner.json")).vulnerabilities
    assert [(one.package, one.installed, one.fixed_version, one.id, one.severity) for one in found] == [
        ("flask", "0.5", "0.12.3", "GHSA-562c-5r94-xh97", "high"),
        ("lodash", "4.17.15", "4.17.21", "GHSA-35jh-r3h4-6jhm", "unknown"),
        ("lodash", "4.17.15", "4.17.19", "GHSA-p6mc-m468-83gw", "high"),
        ("minimist", "1.2.0", "", "GHSA-vh95-rmgr-6w4m", "medium"),
    ]
    assert parse("osv-scanner", {"results": None}).vulnerabilities == ()


@pytest.mark.parametrize(
    ("score", "risk"),
    [
        ("9.8", "critical"), ("9", "critical"), ("7.0", "high"), ("4", "medium"), ("0.1", "low"), ("0", "unknown"),
        ("", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_risks_are_those_of_cvss(score, risk):
    groups = [{"ids": ["X"], "max_severity": score}]
    told = {"package": {"name": "a", "version": "1"}, "vulnerabilities": [{"id": "X"}], "groups": groups}
    (hole,) = parse("osv-scanner", {"results": [{"packages": [told]}]}).vulnerabilities
    assert (hole.severity, hole.fixed_version) == (risk, "")


def test_a_hole_that_two_tools_found_counts_once():
    reports = [parse(kind, sample(f"{kind}.json")) for kind in ("pip-audit", "osv-scanner")]
    found = distinct((one for report in reports for one in report.vulnerabilities), RISKS)
    flask = [(one.id, one.severity) for one in found if one.package == "flask"]
    assert flask == [("PYSEC-2018-66", "high"), ("PYSEC-2019-179", "unknown")]


def test_the_lowest_version_that_mends_is_chosen():
    hole = {"id": "X", "fix_versions": ["10.0", "9.0.1", "9.1rc1"]}
    report = parse("pip-audit", {"dependencies": [{"name": "a", "version": "8", "vulns": [hole]}]})
    assert report.vulnerabilities[0].fixed_version == "9.0.1"


@pytest.mark.parametrize(
    ("lower", "higher"), [("1.9", "1.10"), ("1.0", "1.0.1"), ("1.0rc1", "1.0"), ("1.0a2", "1.0b1"), ("2", "10.0")]
)
def test_versions_are_ordered(lower, higher):
    assert version_key(lower) < version_key(higher)


def test_radon():
    assert brief(parse("radon-cc", sample("radon-cc.json"))) == [
        ("complexity", "critical", "not-read", "shop/broken.py", 0),
        ("complexity", "warning", "rank-D", "shop/pay.py", 26),
    ]
    assert brief(parse("radon-mi", sample("radon-mi.json"))) == [
        ("maintainability", "critical", "not-read", "shop/broken.py", 0),
    ]


@pytest.mark.parametrize(
    ("complexity", "rank", "severity"),
    [
        (10, None, None),
        (11, "rank-C", "info"),
        (21, "rank-D", "warning"),
        (31, "rank-E", "critical"),
        (99, "rank-E", "critical"),
    ],
)
def test_ranks_of_complexity(complexity, rank, severity):
    method = {"type": "method", "classname": "Cart", "name": "add", "lineno": 4, "complexity": complexity}
    whole = {"type": "class", "name": "Cart", "lineno": 1, "complexity": complexity, "methods": [method]}
    found = parse("radon-cc", {"a.py": [method, whole]}).findings
    assert [(one.rule, one.severity) for one in found] == ([] if rank is None else [(rank, severity)])
    assert all("Cart.add" in one.message for one in found)


@pytest.mark.parametrize(
    ("index", "rank"), [(100, []), (19.5, []), (19, ["rank-B"]), (9.5, ["rank-B"]), (9, ["rank-C"])]
)
def test_ranks_of_maintainability(index, rank):
    assert [one.rule for one in parse("radon-mi", {"a.py": {"mi": index, "rank": "?"}}).findings] == rank


def test_junit():
    report = parse("junit", sample("junit.xml"))
    assert report.measures == {"passed": 2, "failed": 2, "skipped": 1, "slow": 1, "fast_passed": 1}
    assert [(one.item, one.rule) for one in report.findings] == [
        ("results", "failed"),
        ("results", "failed"),
        ("slow_tests", "slow"),
    ]
    assert "no disk" in report.findings[1].message


def test_a_test_that_fails_and_errs_is_one_test():
    case = (
        '<testcase name="a" time="1,200.5" file="t.py" line="3"><failure message="x"/><error message="y"/></testcase>'
    )
    report = parse("junit", f"<testsuite>{case}</testsuite>")
    assert (report.measures["failed"], report.measures["slow"]) == (1, 1)
    assert [(one.file, one.line) for one in report.findings] == [("t.py", 3), ("t.py", 3)]


def test_coverage():
    report = parse("coverage", sample("coverage.xml"))
    assert report.measures == {"line_ratio": 0.5, "lines": 34, "branch_ratio": pytest.approx(6 / 22)}
    assert brief(report) == [("coverage", "info", "low", "shop/pay.py", 0)]
    old = '<coverage lines-valid="4" lines-covered="1" line-rate="0.25"><class filename="a.py"><methods><method><lines>'
    old += (
        '<line hits="1"/></lines></method></methods><lines><line hits="0"/><line hits="0"/></lines></class></coverage>'
    )
    report = parse("coverage", old)
    assert report.measures == {"line_ratio": 0.25, "lines": 4}
    assert [(one.severity, one.message) for one in report.findings] == [("warning", "Tests ran 0% of 2 lines")]


def test_sarif_of_ruff_and_bandit():
    report = parse("sarif", sample("ruff.sarif"))
    assert report.tool == "ruff"
    assert ("lint", "critical", "S602", "/home/ci/shop/shop/pay.py", 7) in brief(report)


RULE = {"id": "R1", "shortDescription": {"text": "Short"}, "properties": {"tags": ["security"]}}
RESULT = {
    "ruleId": "R1",
    "message": {"text": "m"},
    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.c"}}}],
}


def sarif(*results, rules=(RULE,), **more):
    run = {"tool": {"driver": {"name": "t", "rules": list(rules)}}, "results": list(results)} | more
    return {"version": "2.1.0", "runs": [run]}


@pytest.mark.parametrize(
    ("result", "rule", "expected"),
    [
        ({}, {}, ("code", "warning", "R1", "a.c", 0)),
        ({"level": "error"}, {}, ("code", "critical", "R1", "a.c", 0)),
        ({"level": "note"}, {"properties": {}}, ("lint", "info", "R1", "a.c", 0)),
        ({"level": "none"}, {}, None),
        ({"kind": "pass"}, {}, None),
        ({"suppressions": [{"kind": "inSource"}]}, {}, None),
        ({}, {"defaultConfiguration": {"level": "error"}}, ("code", "critical", "R1", "a.c", 0)),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, ("code", "critical", "R1", "a.c", 0)),
        ({}, {"properties": {"security-severity": "4.0"}}, ("code", "warning", "R1", "a.c", 0)),
        ({"level": "error"}, {"properties": {"security-severity": "2"}}, ("code", "info", "R1", "a.c", 0)),
        ({"ruleId": None, "ruleIndex": 0, "locations": []}, {}, ("code", "warning", "R1", "", 0)),
        ({"ruleId": "other", "message": {}, "ruleIndex": 9}, {}, ("lint", "warning", "other", "a.c", 0)),
    ],
)
def test_results_of_sarif(result, rule, expected):
    report = parse("sarif", sarif(RESULT | result, rules=[RULE | rule]))
    assert brief(report) == ([] if expected is None else [expected])


SUITE = "<testsuite>%s</testsuite>"
CASE = '<testcase name="a" time="0"/>'
BAD = {
    "ruff": ["", "{", "{}", "[1]", '[{"code": "F401"}]'],
    "mypy": [
        "", "a.py:1: error: x", "Found 3 errors in 1 file (checked 1 source file)", "{", '{"a": 1}\n', '{"message": 1}',
    ],
    "bandit": ["[]", "{}", '{"results": [{"issue_severity": "BAD"}]}', '{"results": [7]}'],
    "pip-audit": [
        "{}", "[]", "[1]", '[{"name": "a", "skip_reason": "offline"}]', '[{"name": "a", "version": "1"}]',
        '[{"name": "a", "version": "1", "vulns": [{}]}]', '[{"version": "1"}]',
    ],
    "osv-scanner": [
        "[]", "{}", '{"results": 7}', '{"results": [{"packages": [{}]}]}',
        '{"results": [{"packages": [{"package": {"name": "a"}, "vulnerabilities": [{}]}]}]}',
    ],
    "radon-cc": ["[]", '{"a.py": 1}', '{"a.py": [{}]}', '{"a.py": [{"complexity": "x"}]}'],
    "radon-mi": ["[]", '{"a.py": {}}', '{"a.py": 7}'],
    "junit": [
        "", "<testsuite>", "<html/>", SUITE % "", SUITE % "<testcase><skipped/></testcase>",
        SUITE % '<testcase time="x"/>', SUITE % '<testcase time="nan"/>', SUITE % '<testcase time="-1"/>',
        SUITE % ("<a>" * 70 + "</a>" * 70),
    ],
    "coverage": [
        "<coverage/>", "<html/>", '<coverage lines-valid="0" lines-covered="0"/>',
        '<coverage lines-valid="1" lines-covered="2"/>', '<coverage lines-valid="x" lines-covered="2"/>',
        '<coverage lines-valid="3" lines-covered="2" branches-valid="1" branches-covered="2"/>',
    ],
    "sarif": [
        "[]", '{"version": "2.0.0", "runs": []}', '{"version": "2.1.0", "runs": []}',
        '{"version": "2.1.0", "runs": [{}]}',
        '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}}]}', orjson.dumps(sarif(7)),
        orjson.dumps(sarif(RESULT | {"level": "bad"})),
        orjson.dumps(sarif(RESULT, rules=[RULE | {"properties": {"security-severity": "x"}}])),
    ],
}  # fmt: skip


def test_every_kind_has_bad_examples():
    assert set(BAD) == set(BY_KIND)


@pytest.mark.parametrize(("kind", "content"), [(kind, content) for kind, ones in BAD.items() for content in ones])
def test_bad_reports_are_refused_with_a_mend(kind, content):
    with pytest.raises(ReportError) as caught:
        parse(kind, content)
    assert str(caught.value)
    assert caught.value.mend.endswith(".")


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("ruff", '[\n{"code": "F401",\n]', 3),
        ("junit", f"<testsuite>\n{CASE}\n<oops>\n</testsuite>", 4),
        ("junit", f"<testsuite>\n{CASE}\n<testcase time='soon'/></testsuite>", 3),
        ("coverage", '<?xml version="1.0"?>\n<coverage lines-valid="many"/>', 2),
        ("mypy", '{"message": "a", "severity": "error"}\n{', 2),
    ],
)
def test_bad_reports_name_the_line(kind, content, line):
    with pytest.raises(ReportError, match=f"line {line}: "):
        parse(kind, content)


@pytest.mark.parametrize("kind", ["junit", "coverage"])
def test_document_types_and_entities_are_refused(kind):
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>\n<testsuite>&c;</testsuite>'
    outside = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>'
    for text in (bomb, outside):
        with pytest.raises(ReportError, match="a DOCTYPE is not taken"):
            parse(kind, text)


def test_texts_are_cut_and_what_postgres_cannot_store_is_replaced():
    found = parse("ruff", [{"code": "F401", "message": "a\x00\n" + "b" * 9999, "filename": "x\x00y"}]).findings[0]
    assert (len(found.message), found.message[:3], found.file) == (500, "a\ufffd ", "x\ufffdy")


def test_all_findings_count_and_the_worst_are_kept():
    many = [Finding("lint", "info", "E501", "long", f"{index}.py") for index in range(KEPT + 5)]
    report = make_report("ruff", [*many, Finding("lint", "critical", "E999", "bad")])
    assert (len(report.findings), report.findings[0].rule) == (KEPT, "E999")
    assert report.counts == {"info": KEPT + 5, "critical": 1}
    assert report.weights == {"lint": KEPT + 15}


LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["x", "2.1.0"])
NAMES = [
    "results", "dependencies", "runs", "version", "tool", "driver", "name", "vulns", "a.py", "mi", "errors", "rules",
    "locations", "complexity",
]  # fmt: skip


@given(
    st.sampled_from(sorted(BY_KIND)),
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
        max_leaves=12,
    ),
)
def test_no_json_makes_a_parser_fall(kind, content):
    try:
        BY_KIND[kind].parse(orjson.dumps(content))
    except ReportError as error:
        assert error.mend


@given(st.sampled_from(sorted(BY_KIND)), st.binary(max_size=60))
def test_no_bytes_make_a_parser_fall(kind, raw):
    try:
        BY_KIND[kind].parse(raw)
    except ReportError as error:
        assert error.mend
