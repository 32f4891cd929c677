"""The same requests to a real Prometheus and to us, over the same target and rules: status, error type, JSON."""

import json
import shutil
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.fixtures.ports import free_port
from tests.integration.evaluator.conftest import Peer, until

pytestmark = pytest.mark.integration
RULES = """groups:
- name: g
  interval: 1s
  rules:
  - {record: 'job:m:sum', expr: sum by (job) (m), labels: {team: t}}
  - {alert: High, expr: m > 1, for: 1h, labels: {severity: 'a{{ $value }}'}, annotations: {summary: '{{ $labels.a }}'}}
  - {alert: Firing, expr: m > 2, keep_firing_for: 5m}
  - {alert: Never, expr: m > 100}
- name: h
  interval: 1s
  limit: 1
  rules:
  - {record: too:many, expr: m}
  - {record: clash, expr: m * on (job) m}
"""
PAGE = '# TYPE m gauge\n# HELP m Help.\nm{a="1"} 1\nm{a="2"} 2.5\n# TYPE c_total counter\nc_total 5\n'
OWN = {"tocsin"}
"""Keys that only we have."""


class Pair:
    """Both servers, asked alike."""

    def __init__(self, rig: Any, url: str) -> None:
        self.rig, self.url = rig, url

    async def theirs(self, path: str, form: dict[str, str] | None = None) -> tuple[int, Any]:
        async with ClientSession() as session:
            method = "GET" if form is None else "POST"
            async with session.request(method, f"{self.url}/api/v1/{path}", data=form) as response:
                return response.status, json.loads(await response.text())

    async def ours(self, path: str, form: dict[str, str] | None = None) -> tuple[int, Any]:
        method = "GET" if form is None else "POST"
        status, text = await self.rig.call(f"/api/v1/{path}", method=method, data=form)
        return status, json.loads(text)


@pytest.fixture
async def pair(rig, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    home, port = tmp_path / "peer", free_port()
    home.mkdir()
    rig.target.page = PAGE
    rig.rules(RULES)
    (home / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{rig.home}/rules/*.yml']\n"
        f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{rig.target.address}']}}]}}]\n"
    )
    arguments = [
        f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    peer = Peer("prometheus", arguments, port, "")
    try:
        rig.settings = {"retain": "all", "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}
        await rig.start()
        made = Pair(rig, peer.url)
        await until(peer.answers)

        async def evaluated() -> bool:
            for ask in (made.ours, made.theirs):
                _, answer = await ask("rules")
                rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
                if [rule["health"] for rule in rules] != ["ok"] * 4 + ["err"] * 2:
                    return False
                if not [rule for rule in rules if rule.get("state") == "firing"]:
                    return False
                if not (await ask("query?query=job:m:sum"))[1]["data"]["result"]:
                    return False
            return True

        await until(evaluated, 40)
        yield made
    finally:
        peer.kill()


def shape(value: Any, *, key: str = "") -> Any:
    """Return the JSON with its leaves' kinds in place of values; of lists one of each shape; our own keys left out."""
    if isinstance(value, dict):
        if key in {"labels", "annotations", "metric", "discoveredLabels", "droppedTargetCounts"}:
            return key
        return {name: shape(one, key=name) for name, one in value.items() if name not in OWN}
    if isinstance(value, list):
        found: list[Any] = []
        for one in value:
            if (made := shape(one)) not in found:
                found.append(made)
        return found
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def alike(ours: Any, theirs: Any) -> bool:
    """Whether all that they say stands in ours, too; newer Prometheus' keys may be there besides."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(name in ours and alike(ours[name], one) for name, one in theirs.items())
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        return (not theirs) == (not ours) and all(any(alike(one, wanted) for one in ours) for wanted in theirs)
    return bool(ours == theirs)


def ordered(data: Any) -> Any:
    """Return the data with lists of series in one order."""
    if isinstance(data, dict):
        return {name: ordered(one) for name, one in data.items() if name not in OWN}
    if isinstance(data, list) and any(isinstance(one, dict | tuple) for one in data):
        return sorted(data, key=repr)
    return data


def told(alerts: Any) -> Any:
    return ordered([(one["labels"], one["annotations"], one["state"], one["value"]) for one in alerts])


ERRORS = [
    "query", "query?query=m(", "query?query=m&time=x", "query?query=m&timeout=x", "query?query=m*on(job)m",
    "query?query=rate(m)", "query?query=m[5m]%2B1", "query_range", "query_range?query=m&start=1&end=x&step=1",
    "query_range?query=m&start=2&end=1&step=1", "query_range?query=m&start=1&end=2&step=0",
    "query_range?query=m&start=1&end=2&step=x", "query_range?query=m&start=1&end=99999&step=1",
    "query_range?query=m[5m]&start=1&end=2&step=1", "query_range?query=%22x%22&start=1&end=2&step=1",
    "series", "series?match[]=m{", "series?match[]={}", "series?match[]=m&start=x", "labels?match[]=sum(m)",
    "labels?start=x", "label/a/values?end=x", "rules?type=x",
]  # fmt: skip


SHAPES = [
    "query?query=m", "query?query=1", "query?query=%22x%22", "query?query=m[1m]", "query?query=absent(m)",
    "query_range?query=sum(m)&start=NOW&end=NOW&step=1", "query_range?query=absent(m)&start=NOW&end=NOW&step=1",
    # Of filtered rules 2.42 shows the groups that have none left, 3.x does not; so only those without.
    "rules", "rules?type=record", "alerts", "targets", "targets?state=active",
    "metadata", "metadata?metric=m", "metadata?limit=100", "metadata?metric=none", "series?match[]=m", "labels",
    "label/a/values", "label/none/values", "query_exemplars?query=m&start=1&end=2", "status/tsdb",
    "format_query?query=m",
]  # fmt: skip
VALUES = [
    "query?query=m&time=NOW", "query?query=sum%20by%20(a)%20(m)&time=NOW", "query?query=m%3E100&time=NOW",
    "query?query=vector(1e-7)&time=NOW.25", "query?query=vector(1e21)&time=NOW", "query?query=0%2F0&time=NOW",
    "query?query=-1%2F0&time=1e3", "query?query=%22a%5Cnb%22&time=2020-01-01T00:00:00Z", "query?query=pi()&time=1.5",
    "query?query=count_values(%22v%22,m)&time=NOW", "query_range?query=vector(3)&start=5&end=9.5&step=1.5",
    "query_range?query=time()&start=1&end=4&step=1s", "query_range?query=1&start=1&end=1&step=1",
    "query?query=job:m:sum&time=NOW", "query?query=sort_desc(m)&time=NOW",
    "label/a/values", "label/job/values", "label/a/values?match[]=m{a=%221%22}", "label/none/values", "labels",
    "labels?match[]=m", "series?match[]=m", "series?match[]=m{a=%221%22}&match[]=c_total", "series?match[]=none",
    "series?match[]=m&start=1&end=2", "metadata?metric=m", "metadata?metric=c_total",
    "query_exemplars?query=m&start=1&end=2",
    "format_query?query=sum(m)by(a)",
]  # fmt: skip


async def test_answers_are_alike(pair):
    now = str(int(pair.rig.evaluator.parts.clock.now()) + 1)
    differences = {}
    for path in [*ERRORS, *(path.replace("NOW", now) for path in SHAPES)]:
        (status, theirs), (own_status, ours) = await pair.theirs(path), await pair.ours(path)
        found = (own_status, ours["status"], ours.get("errorType"), shape(ours.get("data")))
        wanted = (status, theirs["status"], theirs.get("errorType"), shape(theirs.get("data")))
        if not alike(found, wanted):
            differences[path] = (found, wanted)
    for path in (path.replace("NOW", now) for path in VALUES):
        theirs, ours = (await pair.theirs(path))[1], (await pair.ours(path))[1]
        if ordered(ours["data"]) != ordered(theirs["data"]):
            differences[path] = (ours, theirs)
    assert differences == {}


async def test_rules_stand_alike(pair):
    found = []
    for ask in (pair.ours, pair.theirs):
        groups = (await ask("rules"))[1]["data"]["groups"]
        found.append([
            (group["name"], group["interval"], group["limit"], rule["name"], rule["type"], rule["query"],
             rule.get("labels", {}), rule.get("annotations"), rule["health"], rule.get("lastError", "")[:40],
             rule.get("state"), rule.get("duration"), rule.get("keepFiringFor"),
             told(rule.get("alerts", ())))
            for group in groups for rule in group["rules"]
        ])  # fmt: skip
    assert found[0] == found[1]
    alerts = [told((await ask("alerts"))[1]["data"]["alerts"]) for ask in (pair.ours, pair.theirs)]
    assert alerts[0] == alerts[1]
    assert len(alerts[0]) == 2
