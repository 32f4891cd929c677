import statistics

import pytest

from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.targets import Target, TargetGroup, build_targets


def job(**keys):
    return ScrapeConfig.model_validate({"job_name": "j", **keys}).with_defaults(GlobalConfig())


def one(config, *addresses, **labels):
    return build_targets(config, [TargetGroup(addresses or ("h:1",), labels)])


def test_a_plain_target():
    (found,) = one(job(), "h:9100", env="prod")
    assert found.target is not None
    assert found.target.url == "http://h:9100/metrics"
    assert dict(found.target.labels) == {"job": "j", "instance": "h:9100", "env": "prod"}
    assert (found.target.interval, found.target.timeout) == (5.0, 5.0)


def test_relabelling_moves_address_path_scheme_and_parameters():
    config = job(
        params={"module": ["tcp"], "x": ["1", "2"]},
        metrics_path="/probe",
        relabel_configs=[
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": "127.0.0.1:9115"},
            {"target_label": "__scheme__", "replacement": "https"},
            {"target_label": "__scrape_interval__", "replacement": "1m"},
        ],
    )
    (found,) = one(config, "db:5432")
    assert found.target is not None
    assert found.target.url == "https://127.0.0.1:9115/probe?module=tcp&target=db%3A5432&x=1&x=2"
    assert dict(found.target.labels) == {"job": "j", "instance": "db:5432"}
    assert found.target.interval == 60.0


def test_the_same_target_comes_once_and_meta_labels_go():
    found = build_targets(job(), [TargetGroup(("a:1", "a:1"), {"__meta_x": "y"}), TargetGroup(("a:1",), {})])
    assert len(found) == 1
    assert "__meta_x" not in dict(found[0].target.labels)
    assert found[0].discovered["__meta_x"] == "y"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"action": "drop", "source_labels": ["__address__"]}, ""),
        ({"target_label": "__address__", "replacement": ""}, "no address"),
        ({"target_label": "__scrape_timeout__", "replacement": "1h"}, "not longer than"),
        ({"target_label": "__scrape_interval__", "replacement": "soon"}, "not a duration"),
    ],
)
def test_dropped_targets_say_why(step, reason):
    (found,) = one(job(relabel_configs=[step]))
    assert found.target is None
    assert reason in found.reason


def test_phases_are_spread_and_the_same_each_time():
    offsets = [Target("j", f"http://h{i}:1/metrics", (), 10, 5).offset(10) for i in range(400)]
    assert all(0 <= offset < 10 for offset in offsets)
    assert statistics.mean(offsets) == pytest.approx(5, abs=0.6)
    assert offsets[3] == Target("j", "http://h3:1/metrics", (), 10, 5).offset(10)
