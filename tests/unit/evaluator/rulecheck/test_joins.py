"""What the text of an expression tells of its labels."""

import pytest

from services.evaluator.promql import parse
from services.evaluator.rulecheck.joins import dead_template_labels, suspicious
from services.evaluator.rulecheck.shape import Shape, shape_of

RECORDED = {"job:x:sum": Shape(frozenset(), frozenset({"job"}))}


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("sum by (job) (a) / b", "/ never matches: b has label instance, which sum by (job) (a) never has"),
        ("a / sum by (job) (b)", "/ never matches: a has label instance, which sum by (job) (b) never has"),
        ("sum by (job) (a) / on (instance) b", "never matches: b has label instance"),
        ("a > vector(1)", "> never matches: a has labels instance, job, which vector(1) never has"),
        ('a{env="x"} and sum(b)', "and never matches"),
        ("a unless sum(b)", "unless removes nothing"),
        ("up == 0 and absent(foo)", "and never matches"),
        ("job:x:sum / b", "b has label instance, which job:x:sum never has"),
        ("sum by (a) (sum by (b) (x))", "sum by (a) groups by label a, which sum by (b) (x) never has"),
        ('sum by (a) (x{a=""})', "groups by label a"),
        ("sum by (le) (histogram_quantile(0.9, x_bucket))", "groups by label le"),
        ("a * on (x) group_left (y) sum by (x) (b)", "group_left(y) copies a label that sum by (x) (b) never has"),
        ("sum by (x) (b) * on (x) group_right (y) a", "group_right(y) copies"),
        ("max(sum by (job) (a) / b)", "never matches"),
    ],
)
def test_what_can_never_work_is_named(expr, words):
    found = [f"{problem}; {mend}" for problem, mend in suspicious(parse(expr), RECORDED)]
    assert len(found) == 1
    assert words in found[0]
    assert found[0].split("; ")[1]


@pytest.mark.parametrize(
    "expr",
    [
        "a / b",
        "rate(a[5m]) / rate(b[5m]) > 0.1",
        "sum(a) / sum(b)",
        "sum by (job) (a) / sum by (job) (b)",
        "sum by (job) (a) / on (job) group_right () b",
        "a and on () vector(1)",
        "a unless on (job) sum by (job) (b)",
        "a or vector(0)",
        "sum without (instance) (a) / sum without (instance) (b)",
        "sum by (job, x) (a) / ignoring (x) group_left () sum by (job) (b)",
        "job:x:sum / job:y:sum",
        "a > 1",
        "1 < a",
        "scalar(sum(a)) * b",
        "a * on (x) group_left (y) b",
        "topk(3, a) / a",
        'count_values("v", a)',
        'sum by (d) (label_replace(sum by (s) (a), "d", "$1", "s", "(.*)"))',
        'sum by (x) (absent(a{x="1"}))',
        "sum by (le) (rate(x_bucket[5m]))",
        "-a / a",
        "max_over_time(sum by (a) (x)[5m:]) / sum by (a) (y)",
    ],
)
def test_what_may_work_is_left_alone(expr):
    assert list(suspicious(parse(expr), RECORDED)) == []


@pytest.mark.parametrize(
    ("expr", "text", "lost"),
    [
        ("sum by (job) (a)", "{{ $labels.instance }} of {{ $labels.job }}", ["instance"]),
        ("sum(a)", '{{ index $labels "job" }}', ["job"]),
        ("a", "{{ $labels.instance }}", []),
        ("sum by (job) (a)", "$labels.instance is only text", []),
        ("job:x:sum > 1", "{{ $labels.pod }}{{ $labels.pod }}", ["pod"]),
        ("sum by (x) (a) * on (x) group_left (y) b", "{{ $labels.y }}", []),
        ("sum by (x) (a) or sum by (y) (b)", "{{ $labels.x }}{{ $labels.z }}", ["z"]),
        ("sum by (x, y) (a) / on (x) sum by (x) (b)", "{{ $labels.y }}", ["y"]),
        ("sum by (x, y) (a) / ignoring (y) sum by (x) (b)", "{{ $labels.y }}", ["y"]),
    ],
)
def test_labels_that_templates_miss(expr, text, lost):
    assert list(dead_template_labels(iter([text]), parse(expr), RECORDED)) == lost


def test_shapes_of_numbers_and_functions():
    assert shape_of(parse("1"), {}).all == frozenset()
    assert shape_of(parse("vector(1)"), {}).all == frozenset()
    assert shape_of(parse("info(a)"), {}).all is None
    assert shape_of(parse("a * 2 > 1"), {}).scraped
    assert shape_of(parse("2 * sum by (x) (a)"), {}).all == {"x"}
    assert shape_of(parse("sum by (x) (a) and b"), {}).all == {"x"}
    assert shape_of(parse("absent(sum(a))"), {}).all == frozenset()
    assert shape_of(parse('absent_over_time(a{x="1",y=~"2"}[5m])'), {}).all == {"x"}
    assert shape_of(parse("time()"), {}).all == frozenset()
    assert shape_of(parse('{__name__=~"a.*"}'), {}).scraped
