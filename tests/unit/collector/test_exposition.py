import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from services.collector.passthrough import pass_through
from services.collector.reasons import Reason, ScrapeError
from services.collector.render import render, wants_openmetrics
from services.collector.sheet import Sheet, format_value

PAGE = b"""\
# HELP http_requests_total Requests\\nby handler.
# TYPE http_requests_total counter
http_requests_total{handler="/a",status="2xx"} 3.0
# HELP http_requests_created When.
# TYPE http_requests_created gauge
http_requests_created{handler="/a",status="2xx"} 1.7e9
# TYPE seconds histogram
seconds_bucket{le="0.1"} 1
seconds_bucket{le="+Inf"} 2
seconds_sum 0.5
seconds_count 2
# TYPE orders_created gauge
orders_created 7
# a comment
bare 1 1700000000000
"""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (1.0, "1"), (True, "1"), (0.1, "0.1"), (-2.5, "-2.5"), (1e300, "1e+300"),
        (2.0**60, "1.152921504606847e+18"),
        (math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf"),
    ],
)  # fmt: skip
def test_values_are_written_as_prometheus_reads_them(value: float, text: str) -> None:
    assert format_value(value) == text


@given(st.floats(allow_nan=False))
def test_no_value_loses_precision(value: float) -> None:
    assert float(format_value(value)) == value


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


@given(st.dictionaries(st.sampled_from(["a", "b", "le"]), VALUES))
def test_any_label_value_survives(labels: dict[str, str]) -> None:
    sheet = Sheet("t")
    sheet.gauge("m", "A \\ help\nof two lines.", 1, **labels)
    (family,) = text_string_to_metric_families(render([sheet]).decode())
    assert family.samples[0].labels == {"target": "t", **labels}
    assert family.documentation == "A \\ help\nof two lines."


def test_targets_share_a_family() -> None:
    one, two = Sheet("a"), Sheet("b")
    for sheet in (one, two):
        sheet.gauge("up", "Up.", 1)
        sheet.gauge("x", "X.", None)
    assert render([one, two]) == b'# HELP up Up.\n# TYPE up gauge\nup{target="a"} 1\nup{target="b"} 1\n'


def test_types_that_disagree_become_untyped() -> None:
    one, two = Sheet("a"), Sheet("b")
    one.gauge("m", "", 1)
    two.counter("m", "", 1)
    assert b"# TYPE m untyped" in render([one, two])
    assert b"# TYPE m unknown" in render([one, two], openmetrics=True)


def test_openmetrics_keeps_every_sample_name() -> None:
    sheet = Sheet()
    sheet.counter("a_total", "A.", 1)
    sheet.counter("b", "B.", 2)
    sheet.counter("c", "C.", 3)
    sheet.counter("c_total", "C.", 4)
    text = render([sheet], openmetrics=True).decode()
    assert "# TYPE a counter\na_total 1" in text
    assert "# TYPE b unknown\nb 2" in text
    assert "# TYPE c_total unknown\nc_total 4" in text
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False), ("*/*", False), ("text/plain", False), ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", True),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", False), ("application/openmetrics-text;q=x", False),
    ],
)  # fmt: skip
def test_accept(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


def test_histograms_are_cumulated() -> None:
    sheet = Sheet()
    sheet.histogram("h", "H.", (0.5, 1.0), (1, 2, 3), 9.5, {"a": "b"})
    assert [(name, labels, value) for name, labels, value in sheet.families["h"].rows] == [
        ("h_bucket", 'a="b",le="0.5"', "1"),
        ("h_bucket", 'a="b",le="1.0"', "3"),
        ("h_bucket", 'a="b",le="+Inf"', "6"),
        ("h_sum", 'a="b"', "9.5"),
        ("h_count", 'a="b"', "6"),
    ]


def test_values_can_be_looked_up_in_any_label_order() -> None:
    sheet = Sheet()
    sheet.gauge("m", "", 2, a="x", b="y")
    assert sheet.value("m", b="y", a="x") == 2
    assert sheet.value("m", a="x") is None
    assert sheet.names() == {"m"}


def test_a_page_passes_through_with_types_and_help() -> None:
    sheet = Sheet("shop")
    pass_through(sheet, PAGE)
    assert sheet.families["http_requests_total"].type == "counter"
    assert sheet.families["http_requests_total"].help == "Requests\nby handler."
    assert sheet.value("http_requests_total", handler="/a", status="2xx") == 3
    assert len(sheet.families["seconds"].rows) == 4
    assert sheet.families["bare"].type == "untyped"
    assert sheet.value("bare") == 1
    assert sheet.value("orders_created") == 7, "an app's own gauge stays"
    assert "http_requests_created" not in sheet.names()


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (b'm{target="x"} 1', 'm{target="shop",exported_target="x"} 1'),
        (b'm{a="target=",target="x",b="c"} 1', 'm{target="shop",a="target=",exported_target="x",b="c"} 1'),
        (b'm{my_target="x"} 1', 'm{target="shop",my_target="x"} 1'),
        (b'm { a = "b" , } NaN', 'm{target="shop",a = "b"} NaN'),
        (b'm{a="quote \\" and \\\\"} +Inf', 'm{target="shop",a="quote \\" and \\\\"} +Inf'),
        (b"m{} 1", 'm{target="shop"} 1'),
    ],
)
def test_our_target_label_wins(line: bytes, written: str) -> None:
    sheet = Sheet("shop")
    pass_through(sheet, line + b"\n")
    assert written in render([sheet]).decode().splitlines()


@pytest.mark.parametrize(
    "line",
    [
        b"<html>",
        b"m",
        b"m x",
        b'm{a="b} 1',
        b"m{a=b} 1",
        b"m{a='b'} 1",
        b"m 1_000",
        b"1m 1",
        b'm{a="b"} 1 x',
        b"m 1 2 3",
    ],
)
def test_bad_lines_are_named(line: bytes) -> None:
    sheet = Sheet("shop")
    with pytest.raises(ScrapeError, match="line 2 of") as caught:
        pass_through(sheet, b"good 1\n" + line + b"\n")
    assert caught.value.reason is Reason.BODY
    assert sheet.value("good") == 1


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(ScrapeError, match="byte 2"):
        pass_through(Sheet(), b"m \xff")


@given(st.binary(max_size=200))
def test_no_page_breaks_ours(page: bytes) -> None:
    sheet = Sheet("shop")
    try:
        pass_through(sheet, page)
    except ScrapeError:
        return
    for family in text_string_to_metric_families(render([sheet]).decode()):
        assert all(sample.labels["target"] == "shop" for sample in family.samples)


def test_help_that_comes_after_the_type_is_kept() -> None:
    sheet = Sheet()
    pass_through(sheet, b"# TYPE m gauge\n# HELP m Later.\nm 1\n")
    assert sheet.families["m"].help == "Later."


OPENMETRICS = b"""\
# HELP http_requests Requests \\"by\\" handler.
# TYPE http_requests counter
http_requests_total{handler="/a",target="x"} 3.0 1700000000.5 # {trace_id="abc # {"} 1.0 1700000000.123
http_requests_created{handler="/a",target="x"} 1.7e9
# TYPE seconds histogram
# UNIT seconds seconds
seconds_bucket{le="0.1"} 1 # {trace_id="t1",span_id="s"} 0.07
seconds_bucket{le="+Inf"} 2 # {} 7
seconds_sum 0.5
seconds_count 2
seconds_created 1.7e9
# TYPE app info
app_info{version="1"} 1
# TYPE mode stateset
mode{mode="a"} 1
# TYPE odd unknown
odd 4
# EOF
"""


def test_openmetrics_passes_through_with_exemplars() -> None:
    sheet = Sheet("shop")
    pass_through(sheet, OPENMETRICS, openmetrics=True)
    assert sheet.families["http_requests_total"].type == "counter"
    assert sheet.families["http_requests_total"].help == 'Requests "by" handler.'
    assert sheet.value("http_requests_total", handler="/a", exported_target="x") == 3
    assert sheet.families["app_info"].type == "gauge"
    assert not [name for name in sheet.names() if name.endswith("_created")]
    again = render([sheet], openmetrics=True).decode()
    families = {family.name: family for family in parse_openmetrics(again)}
    (counted,) = families["http_requests"].samples
    assert counted.exemplar is not None
    assert counted.exemplar.labels == {"trace_id": "abc # {"}
    assert float(counted.exemplar.timestamp) == 1700000000.123
    buckets = [sample for sample in families["seconds"].samples if sample.exemplar]
    assert [sample.exemplar.value for sample in buckets if sample.exemplar] == [0.07, 7]
    assert families["odd"].type == "unknown"
    assert b" # {" not in render([sheet])
    list(text_string_to_metric_families(render([sheet]).decode()))


def test_exemplars_are_left_out_where_openmetrics_forbids_them() -> None:
    sheet, other = Sheet("a"), Sheet("b")
    pass_through(sheet, OPENMETRICS, openmetrics=True)
    other.counter("http_requests", "A name that the counter would need for its family.", 1)
    families = {family.name: family for family in parse_openmetrics(render([sheet, other], openmetrics=True).decode())}
    assert families["http_requests_total"].type == "unknown"
    assert not [sample for sample in families["http_requests_total"].samples if sample.exemplar]


@pytest.mark.parametrize("line", [b"a  1", b"a 1 # {x=1} 2", b"a 1 #{} 2", b"a{b='c'} 1", b"a", b"a 1_0"])
def test_openmetrics_is_read_strictly(line: bytes) -> None:
    with pytest.raises(ScrapeError, match="line 1") as caught:
        pass_through(Sheet(), line, openmetrics=True)
    assert caught.value.reason is Reason.BODY
