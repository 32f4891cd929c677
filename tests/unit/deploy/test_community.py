"""The files for community rules are whole: Prometheus takes the jobs, and each corrected rule has tests."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from services.collector.sources import KINDS
from services.collector.sources.sql.files import read_files
from services.common.config import validate
from services.common.yaml_source import read_yaml
from services.evaluator.config import ScrapeFile

ROOT = Path(__file__).parents[3]
JOBS = ROOT / "deploy" / "config" / "community" / "scrape.yml"


def test_the_jobs_are_ours_to_read() -> None:
    source = read_yaml(JOBS)
    jobs = validate(ScrapeFile, source.data, source, ()).scrape_configs
    assert {"postgres", "redis", "celery-exporter", "blackbox-exporter"} <= {job.job_name for job in jobs}
    kinds = {kind.key for kind in KINDS}
    for job in jobs:
        if job.metrics_path == "/probe":
            assert set(job.params["module"]) <= kinds
        assert all(static.labels["cluster"] == "shop" for static in job.static_configs)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_jobs_are_prometheus_to_read() -> None:
    command = ["promtool", "check", "config", "--syntax-only", str(JOBS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_corrected_rule_is_tested() -> None:
    for path in (ROOT / "rules" / "community").glob("*.yml"):
        rules = [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
        tests = yaml.safe_load((ROOT / "rules" / "tests" / f"community-{path.name}").read_text())
        assert tests["rule_files"] == [f"../community/{path.name}"]
        fired = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}
        assert fired == {rule["alert"] for rule in rules}


def test_pgmonitors_metrics_are_named_once() -> None:
    queries = read_files(["sql/pgmonitor.yml"], ROOT / "deploy" / "config")
    names = [metric.metric_name for query in queries for metric in query.metrics]
    assert len(names) == 15
    assert all(name.startswith("ccp_") for name in names)
