import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from services.evaluator.scrape.exposition import ExpositionError, base_metric, parse_page, parse_series

PAGE = r"""# HELP http_requests_total All \\ requests.\nSecond line.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3

# plain comment
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
	spaced	{ a = "1" , b="2", }	NaN
closing{brace="}{"} -0
{"utf8.name", "läbel"="ü"} 5
""".encode()


def test_reads_the_documented_page():
    page = parse_page(PAGE.replace(b"\tspaced\t{", b"spaced\t{"))
    assert [parse_series(raw)["__name__"] for raw in page.series] == [
        "http_requests_total", "http_requests_total", "msdos_file_access_time_seconds",
        "metric_without_timestamp_and_labels", "something_weird",
        "spaced", "closing", "utf8.name",
    ]  # fmt: skip
    assert page.values[:5] == [1027, 3, 1.458255915e9, 12.47, math.inf]
    assert math.isnan(page.values[5])
    assert math.copysign(1, page.values[6]) == -1
    assert page.times == [1395066363000, None, None, None, -3982045, None, None, None]
    assert parse_series(page.series[2]) == {
        "__name__": "msdos_file_access_time_seconds",
        "path": "C:\\DIR\\FILE.TXT",
        "error": 'Cannot find file:\n"FILE.TXT"',
    }
    assert parse_series(page.series[5]) == {"__name__": "spaced", "a": "1", "b": "2"}
    assert parse_series(page.series[7]) == {"__name__": "utf8.name", "läbel": "ü"}
    meta = page.meta["http_requests_total"]
    assert (meta.type, meta.help) == ("counter", "All \\ requests.\nSecond line.")
    assert not page.plain


def test_reads_openmetrics_with_exemplars_and_seconds():
    body = (
        b"# TYPE foo histogram\n# UNIT foo seconds\n"
        b'foo_bucket{le="0.01"} 0\nfoo_bucket{le="0.1"} 8 # {} 0.054\n'
        b'foo_bucket{le="1"} 11 1.5 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.789\n'
        b"foo_count 17 1520879607.789\n# EOF\n"
    )
    page = parse_page(body, openmetrics=True)
    assert page.values == [0, 8, 11, 17]
    assert page.times == [None, None, 1500, 1520879607789]
    assert page.meta["foo"].unit == "seconds"
    assert base_metric("foo_bucket", page.meta) == "foo"
    assert base_metric("bar_bucket", page.meta) == "bar_bucket"


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (b"a 1\nb\n", 2, "not a sample"),
        (b"a one\n", 1, "'one' is not a number"),
        (b"a 1_000\n", 1, "not a number"),
        (b'a{b="1} 2\n', 1, "not a sample"),
        (b"a 1 2 3\n", 1, "not a sample"),
        (b"a 1 soon\n", 1, "not a timestamp"),
        (b"a 1 # {} 2\n", 1, "text after the value"),
        (b"1a 1\n", 1, "not a sample"),
    ],
)
def test_names_line_and_fault(body, line, words):
    with pytest.raises(ExpositionError, match=words) as caught:
        parse_page(body)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"a 1\n", "cut off"), (b"a 1\n# EOF\nb 1\n", "after # EOF"), (b"a 1\n\n# EOF\n", "empty line"),
     (b"a 1 # {} x y z\n# EOF\n", "after the value")],
)  # fmt: skip
def test_openmetrics_is_strict(body, words):
    with pytest.raises(ExpositionError, match=words):
        parse_page(body, openmetrics=True)


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b'{a="1"}', "no metric name"), (b'm{a="1",a="2"}', "twice"), (b"m{a}", "can't be read|no value"),
     (b'm{a="\xff"}', "UTF-8"), (b"m{=}", "can't be read")],
)  # fmt: skip
def test_bad_labels_are_named(raw, words):
    with pytest.raises(ValueError, match=words):
        parse_series(raw)


LABEL_VALUES = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9]{0,5}", fullmatch=True), LABEL_VALUES, max_size=4), st.floats())
def test_reads_what_prometheus_client_writes(labels, value):
    registry = CollectorRegistry()
    labels = {f"l{name}": text for name, text in labels.items()}
    gauge = Gauge("some_metric", "Help.", list(labels), registry=registry)
    (gauge.labels(**labels) if labels else gauge).set(value)
    page = parse_page(generate_latest(registry))
    assert parse_series(page.series[0]) == {"__name__": "some_metric", **labels}
    assert page.values[0] == value or math.isnan(value)


def test_reads_a_histogram_of_prometheus_client():
    registry = CollectorRegistry()
    Histogram("took_seconds", "Help.", buckets=(0.1, 1), registry=registry).observe(0.5)
    page = parse_page(generate_latest(registry))
    buckets = [parse_series(raw)["le"] for raw in page.series if b"_bucket" in raw]
    assert buckets == ["0.1", "1.0", "+Inf"]
    assert page.plain


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_page_or_a_named_error(body, openmetrics):
    try:
        page = parse_page(body, openmetrics=openmetrics)
    except ExpositionError:
        return
    for raw in page.series:
        try:
            parse_series(raw)
        except ValueError:
            continue
