"""Questions about the past, names of metrics, and the CSV form."""

import csv
import io

import pytest
from pydantic import ValidationError

from services.api.trends.catalog import PANEL_METRICS, describe, recorded_name
from services.api.trends.csv import as_csv
from services.api.trends.model import DeploymentBody, HistoryOf, TrendMetric, Trends, TrendSeries, TrendsOf, WindowQuery

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ({}, (NOW - 3600, NOW)),
        ({"period": "30d"}, (NOW - 30 * 86_400, NOW)),
        ({"from": "100", "to": "400"}, (100, 400)),
        ({"period": "1m", "to": "600"}, (540, 600)),
        ({"from": "100"}, (100, NOW)),
    ],
)
def test_a_window_by_period_or_by_ends(given, ends):
    assert WindowQuery.model_validate(given).ends(NOW) == ends


@pytest.mark.parametrize(
    "given",
    [
        {"period": "1s"}, {"period": "2y"}, {"period": "soon"}, {"from": "nan"}, {"to": "inf"}, {"from": "-1"},
        {"to": "1e300"}, {"from": "400", "to": "100"}, {"from": "100", "to": "110"}, {"from": "0", "to": "1e10"},
        {"until": "1"},
    ],
)  # fmt: skip
def test_windows_that_are_none_are_refused(given):
    with pytest.raises(ValidationError):
        WindowQuery.model_validate(given)


@pytest.mark.parametrize(
    ("text", "labels"),
    [("", ""), ("queue=celery", {"queue": "celery"}), ("a=1,b=x=y,", {"a": "1", "b": "x=y"}), ("a=", {"a": ""})],
)
def test_labels_are_read_from_text(text, labels):
    given = {"metric": "m", **({"labels": text} if text else {})}
    assert HistoryOf.model_validate(given).labels == labels


@pytest.mark.parametrize("text", ["queue", "=x", "a=1,b"])
def test_what_is_no_label_is_refused(text):
    with pytest.raises(ValidationError, match="is no label"):
        HistoryOf.model_validate({"metric": "m", "labels": text})


def test_metrics_are_joined_by_commas_and_bounded():
    assert TrendsOf.model_validate({"metrics": "a,b,"}).metrics == ["a", "b"]
    for wrong in ("", ",", ",".join("abcdefghi")):
        with pytest.raises(ValidationError):
            TrendsOf.model_validate({"metrics": wrong})


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://x", "/local"])
def test_a_deployments_link_leads_to_the_web(link):
    with pytest.raises(ValidationError):
        DeploymentBody(component="a", version="1", link=link)


@pytest.mark.parametrize(
    ("metric", "key", "title", "unit", "component"),
    [
        ("tocsin:celery_queue_length", "celery_queue", "Queue length", "count", "celery"),
        ("tocsin:shop_wait_seconds:p99", "tocsin:shop_wait_seconds:p99", "shop wait seconds, p99", "seconds", ""),
        ("tocsin:shop_ratio", "tocsin:shop_ratio", "shop ratio", "ratio", ""),
        ("tocsin:host_free_bytes", "tocsin:host_free_bytes", "host free bytes", "bytes", ""),
        ("plain", "plain", "plain", "count", ""),
    ],
)
def test_metrics_are_described_by_their_panel_or_their_name(metric, key, title, unit, component):
    info = describe(metric)
    assert (info.key, info.unit, info.component) == (key, unit, component)
    if component == "":
        assert info.title == title


def test_panels_are_known_by_key_too():
    assert recorded_name("celery_queue") == "tocsin:celery_queue_length"
    assert recorded_name("tocsin:anything") == "tocsin:anything"
    assert PANEL_METRICS[0] == recorded_name("api_response_time")


def _trends(compared, labels):
    series = TrendSeries(
        labels=labels, points=[(0.0, 1.5, 1.0, 2.0), (60.0, 2.5, 2.0, 3.0)], stats=None,
        compared=[(60.0, 9.0, 9.0, 9.0)] if compared else [], change=None,
    )  # fmt: skip
    metric = TrendMetric(**describe("tocsin:x").model_dump(), thresholds=[], series=[series], truncated=False)
    return Trends(
        start=0, end=120, step=60, level="minute", stats_step=60, compared_seconds=compared,
        metrics=[metric], markers=[],
    )  # fmt: skip


def test_csv_has_a_line_for_each_step():
    rows = list(csv.reader(io.StringIO(as_csv(_trends(604_800.0, {"b": '2"', "a": "1,5"})))))
    assert rows == [
        ["time", "metric", "labels", "avg", "min", "max", "week_before"],
        ["1970-01-01T00:00:00+00:00", "tocsin:x", 'a=1,5,b=2"', "1.5", "1.0", "2.0", ""],
        ["1970-01-01T00:01:00+00:00", "tocsin:x", 'a=1,5,b=2"', "2.5", "2.0", "3.0", "9.0"],
    ]
    assert next(csv.reader(io.StringIO(as_csv(_trends(0, {}))))) == ["time", "metric", "labels", "avg", "min", "max"]


def test_csv_gives_a_spreadsheet_no_formula():
    rows = list(csv.reader(io.StringIO(as_csv(_trends(0, {"=cmd|'x'!A1": "1"})))))
    assert rows[1][2] == "'=cmd|'x'!A1=1"
