"""What Grafana's Prometheus data source asks: at "Save & test", in Explore, on dashboards and for alert lists.

The requests are those of Grafana's `grafana-prometheus` package and its server's `promlib`: forms are posted, times are
seconds with fractions, lists are bounded by `limit`.
"""

import asyncio
import gzip
import json

import pytest
from aiohttp import ClientSession

pytestmark = pytest.mark.integration
RULES = """groups:
- name: g
  rules:
  - {record: tocsin:m, expr: sum(m)}
  - {alert: High, expr: tocsin:m > 1, for: 1h, labels: {severity: warning}}
"""
PAGE = """# TYPE m gauge
# HELP m Help.
m{a="1"} 1
m{a="2"} 2.5
{"größe.bytes","wo.genau"="hier"} 7
"""


@pytest.fixture
async def grafana(rig, until):
    rig.settings = {"retain": "all"}
    rig.rules(RULES)
    rig.target.page = PAGE
    await rig.start()

    async def recorded():
        return (await rig.api("query?query=tocsin:m"))["result"]

    await until(recorded)
    return rig


async def post(rig, path, **form):
    status, text = await rig.call(f"/api/v1/{path}", method="POST", data=form)
    assert status == 200, text
    return json.loads(text)


def span(rig, seconds=3600):
    now = rig.evaluator.parts.clock.now()
    return {"start": f"{now - seconds:.3f}", "end": f"{now + 1:.3f}"}


async def test_save_and_test(grafana):
    assert (await grafana.api("status/buildinfo"))["version"].startswith("3.")
    now = grafana.evaluator.parts.clock.now()
    for path, form in (
        ("query", {"query": "1+1", "time": f"{now:.3f}"}),
        ("query_range", {"query": "1+1", "start": f"{now - 60:.3f}", "end": f"{now:.3f}", "step": "15"}),
    ):
        answer = await post(grafana, path, **form)
        assert answer["status"] == "success"
        assert "2" in json.dumps(answer["data"]["result"])


async def test_explore_fills_its_lists(grafana):
    names = (await post(grafana, "labels", **span(grafana)))["data"]
    assert {"__name__", "a", "instance", "job", "wo.genau"} <= set(names)
    names = (await post(grafana, "labels", **span(grafana), **{"match[]": '{__name__="m"}'}))["data"]
    assert names == ["__name__", "a", "instance", "job"]
    times = "&".join(f"{name}={value}" for name, value in span(grafana).items())
    assert "tocsin:m" in await grafana.api(f"label/__name__/values?{times}&limit=40000")
    assert await grafana.api(f"label/a/values?{times}&match[]=m") == ["1", "2"]
    assert "m" in await grafana.api("metadata?limit=40000")
    series = await post(grafana, "series", **span(grafana), **{"match[]": "m", "limit": "1"})
    assert (len(series["data"]), series["warnings"]) == (1, ["results truncated due to limit"])
    assert (await post(grafana, "query_exemplars", query="m", **span(grafana)))["data"] == []


@pytest.mark.parametrize("times", [{"start": "1", "end": "2"}, {"start": "9999999999", "end": "9999999999.5"}])
async def test_lists_of_a_time_without_samples_are_empty(grafana, times):
    assert (await post(grafana, "labels", **times))["data"] == []
    assert await grafana.api(f"label/a/values?start={times['start']}&end={times['end']}") == []
    assert (await post(grafana, "series", **times, **{"match[]": "m"}))["data"] == []


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("wo.genau", ["hier"]),
        ("U__wo_2e_genau", ["hier"]),
        ("U__job", ["shop"]),
        # No code at all: there is no such label.
        ("U__wo_zz_genau", []),
        ("absent", []),
    ],
)
async def test_labels_of_other_letters(grafana, path, values):
    assert await grafana.api(f"label/{path}/values") == values


async def test_a_metric_of_other_letters_is_found_by_its_quoted_name(grafana):
    (found,) = (await post(grafana, "query", query='{"größe.bytes"}'))["data"]["result"]
    assert (found["metric"]["__name__"], found["metric"]["wo.genau"]) == ("größe.bytes", "hier")


async def test_a_panel_with_its_notices(grafana):
    now = grafana.evaluator.parts.clock.now()
    form = {"start": f"{now - 30:.3f}", "end": f"{now:.3f}", "step": "0.5"}
    answer = await post(grafana, "query_range", query="sum by (a) (m)", **form)
    assert [one["metric"]["a"] for one in answer["data"]["result"]] == ["1", "2"]
    assert {value for _, value in answer["data"]["result"][0]["values"]} == {"1"}
    assert "warnings" not in answer
    answer = await post(grafana, "query_range", query="rate(m[1m])", **form)
    assert any("might not be a counter" in one for one in answer["infos"])
    answer = await post(grafana, "query", query="quantile(7, m)")
    assert any("quantile value should be between 0 and 1" in one for one in answer["warnings"])


@pytest.mark.parametrize("stats", ["true", "all"])
async def test_the_query_inspectors_figures(grafana, stats):
    data = (await post(grafana, "query", query="sum(m)", stats=stats))["data"]
    assert data["stats"]["samples"]["totalQueryableSamples"] == 2
    times = data["stats"]["timings"]
    assert 0 <= times["evalTotalTime"] <= times["execTotalTime"]
    assert "stats" not in (await post(grafana, "query", query="sum(m)"))["data"]


@pytest.mark.parametrize(("takes", "sent"), [("gzip", "gzip"), ("identity", None)])
async def test_answers_are_compressed_for_those_who_take_it(grafana, takes, sent):
    token = (grafana.home / "data/secrets/service-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": takes}
    url = f"http://127.0.0.1:{grafana.evaluator.port}/api/v1/label/__name__/values"
    async with ClientSession(auto_decompress=False) as session, session.get(url, headers=headers) as response:
        body = await response.read()
        assert response.headers.get("Content-Encoding") == sent
    assert "tocsin:m" in json.loads(gzip.decompress(body) if sent else body)["data"]


async def test_lists_do_not_wait_for_queries(grafana):
    slow = [
        asyncio.create_task(post(grafana, "query", query="count_over_time(sum(m + time())[100d:30s])"))
        for _ in range(5)
    ]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(grafana.api("label/a/values"), 60) == ["1", "2"]
        assert (await asyncio.wait_for(grafana.api("series?match[]=m"), 60))[0]["a"] == "1"
    finally:
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_alert_lists(grafana):
    groups = (await grafana.api("rules?type=alert&exclude_alerts=false"))["groups"]
    (rule,) = groups[0]["rules"]
    assert {"name", "query", "duration", "labels", "annotations", "alerts", "health", "type", "state"} <= rule.keys()
    assert {"name", "file", "interval", "rules", "evaluationTime", "lastEvaluation", "limit"} <= groups[0].keys()
    assert [rule["name"] for rule in (await grafana.api("rules?type=record"))["groups"][0]["rules"]] == ["tocsin:m"]
