"""The same scrape jobs in a real Prometheus and in ours: relabelling, limits, clashes of labels, target files."""

import json
import shutil

import pytest
from aiohttp import ClientSession

from tests.fixtures.ports import free_port
from tests.integration.evaluator.conftest import Peer, until

pytestmark = pytest.mark.integration
PAGE = """# TYPE m counter
m_total{path="/a/b",code="200",job="own",instance="i",exported_job="e"} 1
m_total{path="/c",code="500"} 2
n{le="1",x="ÄÖ"} 3
timed{x="y"} 4
"""
GROUP = {"env": "Prod", "zone": "eu-1", "__meta_rack": "r7", "__meta_role_a": "db", "empty": ""}


def step(action, **keys):
    return {"action": action, **keys}


TARGETS = {
    "plain": [],
    "replace": [
        step(
            "replace",
            source_labels=["env", "zone"],
            separator="/",
            regex="(.+)/(.+)-.*",
            target_label="at",
            replacement="${2}_$1",
        )
    ],
    "replace-default": [{"source_labels": ["__meta_rack"], "target_label": "rack"}],
    "replace-no-match": [{"source_labels": ["env"], "regex": "x.*", "target_label": "env", "replacement": "gone"}],
    "replace-empty": [{"source_labels": ["env"], "target_label": "env", "replacement": ""}],
    "replace-anchored": [{"source_labels": ["zone"], "regex": "eu", "target_label": "hit", "replacement": "yes"}],
    "replace-dynamic": [
        {"source_labels": ["__meta_rack"], "regex": "(r)(.)", "target_label": "${1}_x", "replacement": "$2"}
    ],
    "replace-missing-group": [
        {"source_labels": ["zone"], "regex": "(eu)-(.)", "target_label": "g", "replacement": "$1x-${1}x-$3-$$"}
    ],
    "keep": [step("keep", source_labels=["env"], regex="P.*")],
    "keep-none": [step("keep", source_labels=["env"], regex="p.*")],
    "drop": [step("drop", source_labels=["env", "zone"], regex="Prod;eu-1")],
    "drop-none": [step("drop", source_labels=["absent"], regex=".+")],
    "hashmod": [step("hashmod", source_labels=["env", "zone"], modulus=97, target_label="shard")],
    "hashmod-drop": [
        step("hashmod", source_labels=["zone"], modulus=2, target_label="__tmp"),
        step("keep", source_labels=["__tmp"], regex="[01]"),
    ],
    "labelmap": [step("labelmap", regex="__meta_(.+)")],
    "labelmap-named": [step("labelmap", regex="__meta_role_(.+)", replacement="role_of_${1}")],
    "labeldrop": [step("labeldrop", regex="en.*|zone")],
    "labelkeep": [step("labelkeep", regex="__.*|env|job")],
    "lowercase": [step("lowercase", source_labels=["env"], target_label="env")],
    "uppercase": [step("uppercase", source_labels=["zone"], target_label="zone_up")],
    "keepequal": [step("keepequal", source_labels=["env"], target_label="zone")],
    "dropequal": [step("dropequal", source_labels=["env"], target_label="zone")],
    "address-dropped": [step("labeldrop", regex="__address__")],
    "path": [{"target_label": "__metrics_path__", "replacement": "/elsewhere"}],
    "param": [{"target_label": "__param_module", "replacement": "m"}],
    "instance": [{"target_label": "instance", "replacement": "named"}],
    "job": [{"target_label": "job", "replacement": "renamed"}],
}
METRICS = {
    "metrics": {},
    "honoured": {"honor_labels": True},
    "kept": {"metric_relabel_configs": [step("keep", source_labels=["__name__"], regex="m.*")]},
    "renamed": {"metric_relabel_configs": [
        {"source_labels": ["__name__"], "regex": "(.)(_total)?", "target_label": "__name__", "replacement": "${1}_x"}]},
    "without-a-label": {"metric_relabel_configs": [step("labeldrop", regex="code|path")]},
    "without-instance": {"metric_relabel_configs": [step("labeldrop", regex="instance")]},
    "sample-limit": {"sample_limit": 3}, "sample-limit-met": {"sample_limit": 4},
    "limit-after-relabelling": {"sample_limit": 2, "metric_relabel_configs": [
        step("drop", source_labels=["__name__"], regex="n|timed")]},
    "label-limit": {"label_limit": 4}, "label-limit-met": {"label_limit": 20},
    "name-length": {"label_name_length_limit": 8}, "name-length-met": {"label_name_length_limit": 30},
    "value-length": {"label_value_length_limit": 3}, "value-length-met": {"label_value_length_limit": 60},
    "body-limit": {"body_size_limit": "10B"}, "body-limit-met": {"body_size_limit": "1MB"},
    "target-limit": {"target_limit": 1, "twice": True}, "target-limit-met": {"target_limit": 2, "twice": True},
}  # fmt: skip


def jobs(address, home):
    group = {"targets": [address], "labels": GROUP}
    found = [{"job_name": name, "static_configs": [group], "relabel_configs": steps} for name, steps in TARGETS.items()]
    for name, given in METRICS.items():
        keys = dict(given)
        twice = [{"targets": [address], "labels": {"n": "2"}}] if keys.pop("twice", False) else []
        found.append({"job_name": name, "static_configs": [{"targets": [address]}, *twice], **keys})
    (home / "targets.yml").write_text(f"- targets: ['{address}']\n  labels: {{on: yes, version: 1.10, none: }}\n")
    (home / "targets.json").write_text(json.dumps([{"targets": [address], "labels": {"by": "json"}}]))
    files = [str(home / "targets.yml"), str(home / "*.json")]
    return [*found, {"job_name": "files", "file_sd_configs": [{"files": files}]}]


@pytest.fixture
async def asks(rig, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    home, port = tmp_path / "peer", free_port()
    home.mkdir()
    rig.target.page = PAGE
    every = jobs(rig.target.address, home)
    (home / "p.yml").write_text(json.dumps({"global": {"scrape_interval": "2s"}, "scrape_configs": every}))
    peer = Peer("prometheus", [
        f"--config.file={home}/p.yml", f"--storage.tsdb.path={home}/tsdb", f"--web.listen-address=127.0.0.1:{port}",
    ], port, "")  # fmt: skip
    try:
        # As files are read: the text of the scalars counts.
        (rig.home / "jobs.yml").write_text(json.dumps({"scrape_configs": every}))
        rig.settings = {
            "retain": "all", "global": {"scrape_interval": "2s"}, "scrape_configs": [],
            "scrape_config_files": ["jobs.yml"],
        }  # fmt: skip
        await rig.start()
        await until(peer.answers)

        async def theirs(path):
            async with ClientSession() as session, session.get(f"{peer.url}/api/v1/{path}") as response:
                return (await response.json())["data"]

        for ask in (rig.api, theirs):
            await until(lambda ask=ask: scraped(ask), 30)
        yield rig.api, theirs
    finally:
        peer.kill()


async def scraped(ask):
    active = (await ask("targets"))["activeTargets"]
    return len(active) > len(METRICS) and all(one["health"] != "unknown" for one in active)


def discovered(target):
    """What a target was found with; 2.42 shows it after relabelling, so only of jobs without."""
    if TARGETS.get(target["scrapePool"]):
        return []
    return sorted((name, value) for name, value in target["discoveredLabels"].items() if name != "__meta_filepath")


async def test_targets_come_to_the_same(asks):
    found = []
    for ask in asks:
        data = await ask("targets")
        active = [
            (one["scrapePool"], sorted(one["labels"].items()), one["health"], one["scrapeUrl"],
             discovered(one))
            for one in data["activeTargets"]
        ]  # fmt: skip
        lost = [(one["discoveredLabels"]["job"], one["discoveredLabels"]["env"]) for one in data["droppedTargets"]]
        found.append((sorted(active), sorted(lost)))
    (active, lost), (their_active, their_lost) = found
    assert [one for one in active if one not in their_active] == []
    assert [one for one in their_active if one not in active] == []
    # What has no address Prometheus only names in its log; here it stands among the dropped, with the reason.
    assert lost == sorted([*their_lost, ("address-dropped", "Prod")])


def stopped(metric):
    """Whether it is Prometheus' count up to the label that was too much; ours is of whole pages."""
    return metric["__name__"] == "scrape_samples_scraped" and metric["job"] in {
        "label-limit", "name-length", "value-length"}  # fmt: skip


async def test_series_come_to_the_same(asks):
    found = []
    for ask in asks:
        data = await ask('query?query={job!="",__name__!~"scrape_(duration|series|body).*"}')
        found.append(sorted(
            (sorted(one["metric"].items()), one["value"][1]) for one in data["result"] if not stopped(one["metric"])
        ))  # fmt: skip
    ours, theirs = found
    assert [one for one in ours if one not in theirs] == []
    assert [one for one in theirs if one not in ours] == []
    assert len(ours) > 200
