"""The status from pages, targets and rules; quantiles; what is missing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from services.api.overview.evaluated import RuleGroups
from services.api.overview.model import Health
from services.api.status.metrics_page import MetricsPage, quantile
from services.api.status.services import (
    MOST_FAILING,
    SLOWEST,
    Targets,
    history_part,
    joined,
    queue_part,
    rules_part,
    scrapes_part,
    services_part,
)

PAGE = """\
# HELP tocsin_dependency_up 1 while the dependency answers.
# TYPE tocsin_dependency_up gauge
tocsin_dependency_up{dependency="redis"} 0.0
tocsin_dependency_up{dependency="postgres"} 1.0
# TYPE tocsin_loop_errors_total counter
tocsin_loop_errors_total{loop="alerts",reason="BusUnavailableError"} 3.0
tocsin_loop_errors_total{loop="ping",reason="x"} 0.0
# TYPE tocsin_config_last_reload_successful gauge
tocsin_config_last_reload_successful{kind="rules"} 0.0
tocsin_config_last_reload_successful{kind="scrape"} 1.0
# TYPE tocsin_config_last_reload_success_timestamp_seconds gauge
tocsin_config_last_reload_success_timestamp_seconds{kind="rules"} 1.7e+09
# TYPE tocsin_http_request_duration_seconds histogram
tocsin_http_request_duration_seconds_bucket{le="+Inf"} 1.0
# TYPE python_info gauge
python_info{version="3.11"} 1.0
# TYPE tocsin_notifier_held_alerts gauge
tocsin_notifier_held_alerts{reason="storm"} 2.0
tocsin_notifier_held_alerts{reason="quiet_hours"} 1.0
# TYPE tocsin_notifier_outbox_entries gauge
tocsin_notifier_outbox_entries 4.0
# TYPE tocsin_notifier_outbox_oldest_age_seconds gauge
tocsin_notifier_outbox_oldest_age_seconds 12.5
# TYPE tocsin_history_backlog_bytes gauge
tocsin_history_backlog_bytes 4096.0
# TYPE tocsin_head_series gauge
tocsin_head_series 212.0
"""


def test_a_page_gives_what_is_tocsins_own():
    page = MetricsPage.read(PAGE)
    assert page.total("tocsin_notifier_held_alerts") == 3
    assert page.total("nothing") == 0
    assert page.all("python_info") == page.all("tocsin_http_request_duration_seconds_bucket") == []
    assert page.spread("tocsin_http_request_duration_seconds") is None


def test_another_form_is_refused():
    with pytest.raises(ValueError):
        MetricsPage.read("tocsin_x{ not metrics")


def test_services_tell_of_configurations_and_troubles():
    health = Health(at=1, overall="operational", components=[], external=[], services=[], missing_services=["notifier"])
    part = services_part(health, {"evaluator": MetricsPage.read(PAGE)}, "The notifier is away.")
    assert part.missing_services == ["notifier"]
    assert part.missing == "The notifier is away."
    assert part.away == ["evaluator: redis"]
    assert [(one.name, one.count) for one in part.troubles] == [("alerts", 3)]
    assert {(one.kind, one.in_force, one.since) for one in part.configs} == {
        ("rules", False, 1.7e9),
        ("scrape", True, None),
    }


def test_queues_and_history_are_told_or_nothing_with_the_reason():
    page = MetricsPage.read(PAGE)
    queue = queue_part(page, "")
    assert (queue.outbox, queue.oldest_seconds, queue.held, queue.records_dropped) == (4, 12.5, 3, 0)
    history = history_part(page, "")
    assert (history.backlog_bytes, history.head_series, history.queued) == (4096, 212, 0)
    assert queue_part(None, "gone").missing == history_part(None, "gone").missing == "gone"
    assert joined(["a.", "", "b.", "a."]) == "a. b."


def targets(*health):
    return Targets.model_validate(
        {
            "activeTargets": [
                {
                    "labels": {"job": "web", "instance": f"host-{index}:80"}, "scrapeUrl": f"http://host-{index}/metrics",
                    "lastError": "refused" if state == "down" else "", "health": state,
                    "lastScrape": "2026-11-22T12:00:00Z" if state != "unknown" else "0001-01-01T00:00:00Z",
                    "lastScrapeDuration": index / 10, "scrapePool": "web",
                }
                for index, state in enumerate(health)
            ],
            "droppedTargets": [],
        }
    )  # fmt: skip


def test_targets_that_fail_and_the_slowest_come_first():
    part = scrapes_part(targets("up", "down", "unknown", "up"), None, "")
    assert (part.up, part.down, part.unknown, part.spread) == (2, 1, 1, None)
    assert [(one.instance, one.error) for one in part.failing] == [("host-1:80", "refused")]
    assert [one.instance for one in part.slowest] == [f"host-{index}:80" for index in (3, 2, 1, 0)]
    assert part.slowest[0].at == 1_795_348_800
    assert part.slowest[1].at is None
    many = scrapes_part(targets(*["down"] * 200), None, "")
    assert (many.down, len(many.failing), len(many.slowest)) == (200, MOST_FAILING, SLOWEST)
    assert scrapes_part(None, None, "away").missing == "away"


def test_rules_that_fail_and_the_slowest():
    rules = [
        {"name": "A", "type": "alerting", "health": "ok", "evaluationTime": 0.001},
        {"name": "B", "type": "recording", "health": "err", "lastError": "many-to-many", "evaluationTime": 0.2},
        {"name": "C", "type": "recording", "health": "err"},
    ]
    part = rules_part(RuleGroups.model_validate({"groups": [{"name": "g", "file": "f.yml", "rules": rules}]}), None, "")
    assert (part.rules, part.groups) == (3, 1)
    assert [(one.name, one.error) for one in part.failing] == [("B", "many-to-many"), ("C", "failed")]
    assert [one.name for one in part.slowest] == ["B", "A", "C"]
    assert rules_part(None, None, "away").missing == "away"


def test_a_spread_is_over_all_labels():
    registry = CollectorRegistry()
    histogram = Histogram("tocsin_x_seconds", "X.", ["job"], buckets=(1, 2, 4), registry=registry)
    for job, values in {"a": [0.5] * 50, "b": [1.5] * 40 + [100] * 10}.items():
        for value in values:
            histogram.labels(job).observe(value)
    spread = MetricsPage.read(generate_latest(registry).decode()).spread("tocsin_x_seconds")
    assert spread is not None
    assert (spread.count, spread.p50, spread.p95) == (100, 1.0, 4.0)


def test_quantiles_of_nothing_and_of_one_bucket():
    assert quantile(0.5, []) is None
    assert quantile(0.5, [(1.0, 0.0), (math.inf, 0.0)]) is None
    assert quantile(0.5, [(math.inf, 3.0)]) == 0.0
    assert quantile(0.5, [(1.0, 4.0), (math.inf, 4.0)]) == 0.5


@given(st.lists(st.floats(0.001, 50), min_size=1), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_value(values, share):
    edges = [0.01, 0.1, 1.0, 10.0, 100.0]
    counts = [(edge, float(sum(value <= edge for value in values))) for edge in edges]
    found = quantile(share, [*counts, (math.inf, float(len(values)))])
    exact = sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]
    upper = next(edge for edge in edges if exact <= edge)
    lower = max([edge for edge in edges if edge < exact], default=0.0)
    assert lower - 1e-9 <= found <= upper + 1e-9
