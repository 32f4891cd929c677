"""The HTTP API, as Grafana and promtool use it."""

import asyncio
import json
import shutil
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from services.evaluator.check import check_files
from services.evaluator.rulecheck.inventory import InventoryError, open_inventory

pytestmark = pytest.mark.integration
RULES = """groups:
- name: g
  rules:
  - {record: tocsin:m, expr: sum(m)}
  - {alert: High, expr: tocsin:m > 1, for: 1h, labels: {severity: warning}, clear: tocsin:m < 1}
- name: h
  rules:
  - {alert: Bad, expr: m * on (job) m}
"""


@pytest.fixture
async def ready(rig, until):
    relabel = {"source_labels": ["__address__"], "regex": "dropped.*", "action": "drop"}
    job = {
        "job_name": "shop",
        "static_configs": [{"targets": [rig.target.address, "dropped.example:1"]}],
        "relabel_configs": [relabel],
    }
    rig.settings = {"retain": "all", "scrape_configs": [job]}
    rig.rules(RULES)
    rig.target.page = '# TYPE m gauge\n# HELP m Help.\nm{a="1"} 1\nm{a="2"} 2.5\n'
    await rig.start()

    async def recorded():
        return (await rig.api("query?query=tocsin:m"))["result"] and (await rig.api("alerts"))["alerts"]

    await until(recorded)
    return rig


async def test_query(ready):
    data = await ready.api("query?query=m")
    assert data["resultType"] == "vector"
    assert {one["metric"]["a"]: one["value"][1] for one in data["result"]} == {"1": "1", "2": "2.5"}
    assert await ready.api("query?query=1%2B1&time=5") == {"resultType": "scalar", "result": [5, "2"]}
    assert (await ready.api("query?query=%22x%22&time=1.5"))["result"] == [1.5, "x"]
    status, text = await ready.call("/api/v1/query", method="POST", data={"query": "m", "limit": "1"})
    answer = json.loads(text)
    assert (status, len(answer["data"]["result"]), answer["warnings"]) == (200, 1, ["results truncated due to limit"])


async def test_query_range(ready):
    now = ready.evaluator.parts.clock.now()
    data = await ready.api(f"query_range?query=vector(3)&start={now - 10}&end={now}&step=5s")
    assert data["resultType"] == "matrix"
    assert [value for _, value in data["result"][0]["values"]] == ["3", "3", "3"]


@pytest.mark.parametrize(
    ("path", "status", "kind", "words"),
    [
        ("query?query=foo(", 400, "bad_data", 'invalid parameter "query"'),
        ("query?query=m&time=soon", 400, "bad_data", 'cannot parse "soon" to a valid timestamp'),
        ("query?query=m&timeout=x", 400, "bad_data", "valid duration"),
        ("query?query=m&limit=-1", 400, "bad_data", "non-negative"),
        ("query?query=m*on(job)m", 422, "execution", "many-to-many"),
        ("query_range?query=m&start=2&end=1&step=1", 400, "bad_data", "end timestamp must not be before start"),
        ("query_range?query=m&start=1&end=2&step=0", 400, "bad_data", "zero or negative"),
        ("query_range?query=m&start=1&end=99999&step=1", 400, "bad_data", "11,000 points"),
        ("query_range?query=m&end=1&step=1", 400, "bad_data", '"start"'),
        ("series", 400, "bad_data", "no match[] parameter"),
        ("series?match[]=rate(m[5m])", 400, "bad_data", "not a series selector"),
        ("series?match[]={}", 400, "bad_data", "match[]"),
        ("series?match[]=m&start=2&end=1", 400, "bad_data", "end timestamp must not be before start"),
        ("labels?match[]=m{", 400, "bad_data", 'invalid parameter "match[]"'),
        ("labels?start=never", 400, "bad_data", 'cannot parse "never" to a valid timestamp'),
        ("label/U__/values", 400, "bad_data", "invalid label name"),
        ("query", 400, "bad_data", 'invalid parameter "query"'),
        ("query?query=m&limit=%C2%B2", 400, "bad_data", 'invalid parameter "limit"'),
        ("query?query=m&lookback_delta=-1", 400, "bad_data", "lookback_delta"),
        ("query?query=m&time=NaN", 400, "bad_data", "valid timestamp"),
        ("query_range?query=m[5m]&start=1&end=2&step=1", 400, "bad_data", "invalid expression type"),
        ("query_range?query=m&start=1&end=2&step=NaN", 400, "bad_data", 'invalid parameter "step"'),
        ("metadata?limit=x", 400, "bad_data", 'invalid parameter "limit"'),
        ("rules?group_limit=0", 400, "bad_data", "greater than 0"),
        ("rules?group_limit=x", 400, "bad_data", "valid number"),
        ("rules?exclude_alerts=maybe", 400, "bad_data", "boolean"),
        ("rules?match[]=x(", 400, "bad_data", 'invalid parameter "match[]"'),
        ("format_query?query=x(", 400, "bad_data", 'invalid parameter "query"'),
        ("parse_query?query=x(", 400, "bad_data", 'invalid parameter "query"'),
        ("targets?state=gone", 400, "bad_data", "not supported value"),
        ("rules?type=x", 400, "bad_data", "not supported value"),
        ("rules?group_next_token=x", 400, "bad_data", "group_limit"),
        ("rules?group_limit=1&group_next_token=x", 400, "bad_data", "not there any more"),
        ("nothing", 404, "not_found", "no such endpoint"),
    ],
)
async def test_errors(ready, path, status, kind, words):
    got, text = await ready.call(f"/api/v1/{path}")
    answer = json.loads(text)
    assert (got, answer["status"], answer["errorType"]) == (status, "error", kind)
    assert words in answer["error"]


async def test_series_labels_and_metadata(ready):
    assert [one["a"] for one in await ready.api("series?match[]=m")] == ["1", "2"]
    assert await ready.api("label/a/values") == ["1", "2"]
    assert await ready.api("label/a/values?match[]=m{a=%222%22}") == ["2"]
    assert {"m", "up", "tocsin:m"} <= set(await ready.api("label/__name__/values"))
    assert {"__name__", "a", "instance", "job"} <= set(await ready.api("labels"))
    assert await ready.api("labels?match[]=tocsin:m") == ["__name__"]
    assert await ready.api("series?match[]=m&start=1&end=2") == []
    assert await ready.api("metadata?metric=m") == {"m": [{"type": "gauge", "help": "Help.", "unit": ""}]}
    tsdb = await ready.api("status/tsdb?limit=2")
    now = ready.evaluator.parts.clock.now() * 1000
    assert tsdb["headStats"]["numSeries"] >= 8
    assert now - 60_000 < tsdb["headStats"]["minTime"] <= tsdb["headStats"]["maxTime"] < now + 1000
    assert tsdb["seriesCountByMetricName"][0] == {"name": "m", "value": 2}
    assert len(tsdb["seriesCountByLabelValuePair"]) == len(tsdb["memoryInBytesByLabelName"]) == 2
    assert (await ready.api("status/buildinfo"))["application"] == "Tocsin"
    assert "startTime" in await ready.api("status/runtimeinfo")
    assert await ready.api("query_exemplars?query=m&start=1&end=2") == []
    assert await ready.api("format_query?query=sum(m)by(a)") == "sum by (a) (m)"
    tree = await ready.api("parse_query?query=m[5m]")
    assert (tree["type"], tree["name"], tree["range"]) == ("matrixSelector", "m", 300_000)


async def test_rules(ready):
    groups = (await ready.api("rules"))["groups"]
    assert [group["name"] for group in groups] == ["g", "h"]
    record, high = groups[0]["rules"]
    assert (record["type"], record["health"]) == ("recording", "ok")
    assert (high["type"], high["state"], high["duration"]) == ("alerting", "pending", 3600)
    assert high["alerts"][0]["labels"] == {"alertname": "High", "severity": "warning"}
    own = high["tocsin"]
    assert own["thresholds"] == [{"expr": "tocsin:m", "op": ">", "value": 1.0}]
    assert (own["cooldown"], own["max_alerts_per_hour"], own["clear"], own["no_data"]) == (
        900,
        4,
        "tocsin:m < 1",
        "resolve",
    )
    assert own["evaluations"][-1]["series"] == 1
    assert (own["file"], own["line"]) == ("rules/shop.yml", 5)
    (bad,) = groups[1]["rules"]
    assert bad["health"] == "err"
    assert "many-to-many" in bad["lastError"]
    assert bad["tocsin"]["evaluations"][-1]["error"] == bad["lastError"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("type=record", ["tocsin:m"]),
        ("type=alert", ["High", "Bad"]),
        ("rule_name[]=High", ["High"]),
        ("rule_group[]=h", ["Bad"]),
        ("file[]=other", []),
        ("match[]={severity=%22warning%22}", ["High"]),
        ("file[]=rules/shop.yml&rule_group[]=h&type=alert", ["Bad"]),
        ("rule_name[]=High&rule_name[]=Bad", ["High", "Bad"]),
        ("match[]={severity=%22critical%22}&match[]={severity=~%22w.*%22}", ["High"]),
        ("group_limit=1", ["tocsin:m", "High"]),
        ("group_limit=1&group_next_token=rules/shop.yml;h", ["Bad"]),
    ],
)
async def test_rule_filters(ready, query, names):
    groups = (await ready.api(f"rules?{query}"))["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == names


async def test_alerts_can_be_left_out(ready):
    groups = (await ready.api("rules?exclude_alerts=true"))["groups"]
    assert "alerts" not in groups[0]["rules"][1]


async def test_targets(ready):
    data = await ready.api("targets")
    (target,) = data["activeTargets"]
    assert target["labels"] == {"instance": ready.target.address, "job": "shop"}
    assert (target["health"], target["scrapeInterval"], target["scrapePool"]) == ("up", "200ms", "shop")
    assert target["discoveredLabels"]["__address__"] == ready.target.address
    for state, active, dropped in (("", 1, 1), ("any", 1, 1), ("active", 1, 0), ("dropped", 0, 1)):
        data = await ready.api(f"targets?state={state}")
        assert (len(data["activeTargets"]), len(data["droppedTargets"])) == (active, dropped)
    assert data["droppedTargets"][0]["discoveredLabels"]["__address__"] == "dropped.example:1"
    assert data["droppedTargetCounts"] == {"shop": 1}
    assert (await ready.api("targets?scrapePool=other"))["activeTargets"] == []


async def test_the_token_guards_all_but_health_and_metrics(ready):
    for path in ("/-/healthy", "/-/ready", "/metrics"):
        assert (await ready.call(path, token=False))[0] == 200
    for path in ("/api/v1/query?query=m", "/api/v1/rules"):
        assert (await ready.call(path, token=False))[0] == 401
    assert (await ready.call("/-/reload", method="POST", token=False))[0] == 401


async def test_a_query_that_takes_too_long_is_ended(rig, until):
    rig.settings = {"query": {"timeout": "1ms"}, "retain": "all"}
    await rig.start()
    status, text = await rig.call("/api/v1/query?query=count_over_time(vector(1)[100d:1s])")
    assert (status, json.loads(text)["errorType"]) in {(503, "timeout"), (422, "execution")}


class TestPromtool:
    """The real client, through a proxy that adds the token (promtool 2.42 knows no bearer tokens)."""

    @pytest.fixture
    async def ask(self, ready, listen):
        if shutil.which("promtool") is None:
            pytest.skip("promtool is not installed")

        async def forward(request):
            status, text = await ready.call(
                request.path_qs, method=request.method, data=await request.read(),
                headers={"Content-Type": request.content_type},
            )  # fmt: skip
            return web.Response(status=status, text=text, content_type="application/json")

        async with AsyncExitStack() as stack:
            url = "http://" + await listen(stack, forward)

            async def run(kind, *words):
                process = await asyncio.create_subprocess_exec(
                    "promtool", "query", kind, *(one.replace("URL", url) for one in words),
                    stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                )  # fmt: skip
                out, errors = await process.communicate()
                return process.returncode, out.decode(), errors.decode()

            yield run

    async def test_instant(self, ask):
        code, out, _ = await ask("instant", "URL", "sum by (a) (m)")
        assert code == 0
        assert sorted(line.split(" @")[0] for line in out.splitlines()) == ['{a="1"} => 1', '{a="2"} => 2.5']
        assert (await ask("instant", "URL", "1 + 1"))[1].startswith("scalar: 2 @")

    async def test_instant_errors(self, ask):
        code, _, errors = await ask("instant", "URL", "m * on (job) m")
        assert code != 0
        assert "many-to-many" in errors
        code, _, errors = await ask("instant", "URL", "m(")
        assert code != 0
        assert "bad_data" in errors

    async def test_range(self, ask, ready):
        now = int(ready.evaluator.parts.clock.now())
        code, out, errors = await ask("range", "URL", "vector(3)", f"--start={now - 10}", f"--end={now}", "--step=5s")
        assert code == 0, errors
        assert out.count("3 @") == 3

    async def test_series(self, ask):
        code, out, errors = await ask("series", "URL", "--match=m")
        assert code == 0, errors
        assert [line.partition("a=")[2][:3] for line in out.splitlines()] == ['"1"', '"2"']

    async def test_labels(self, ask):
        code, out, errors = await ask("labels", "URL", "a")
        assert code == 0, errors
        assert out.split() == ["1", "2"]


async def test_rules_without_series_are_named(rig, until, capsys):
    rig.settings = {"dead_rule_after": "300ms"}
    rig.rules("""groups:
- name: g
  rules:
  - {alert: Fine, expr: 'm{a="1"} > 9'}
  - {alert: NoMetric, expr: n > 9 or m > 9}
  - {alert: NoLabel, expr: m > 9, clear: 'm{a="3"} < 1'}
  - {record: 'r:x', expr: absent(n)}
  - {alert: OfRecorded, expr: 'r:y > 9'}
  - {record: 'r:y', expr: 'm > 100'}
""")
    rig.target.page = 'm{a="1"} 1\nm{a="2"} 2\n'
    await rig.start()

    async def named():
        rules = {rule["name"]: rule["tocsin"]["no_series"] for rule in (await rig.api("rules"))["groups"][0]["rules"]}
        return any(rules.values()) and rules

    rules = await until(named)
    assert rules == {
        "Fine": [],
        "NoMetric": [
            {"selector": "n", "metric": "n", "label": "", "problem": "there is no series of metric n"}
        ],
        "NoLabel": [
            {
                "selector": 'm{a="3"}', "metric": "m", "label": "a",
                "problem": 'no series of m meets a="3"; its a is 1, 2',
            }
        ],
        "r:x": [], "OfRecorded": [], "r:y": [],
    }  # fmt: skip
    assert 'tocsin_rules_without_series{group="rules/shop.yml;g"} 2.0' in (await rig.call("/metrics"))[1]
    rig.target.page += 'm{a="3"} 1\nn 1\n'

    async def clean():
        return not await named()

    await until(clean)
    said = capsys.readouterr().out
    assert said.count("rule_matches_no_series") == 2
    assert said.count("rule_matches_series_again") == 2


async def test_rules_are_checked_against_a_live_evaluator(ready, tmp_path):
    token = (ready.home / "data/secrets/service-token").read_text().strip()
    url = f"http://127.0.0.1:{ready.evaluator.port}"
    file = tmp_path / "new.yml"
    file.write_text(
        "groups: [{name: n, rules: [{record: r, expr: 'm{a=\"9\"}'}, {record: s, expr: sum(m) + sum(up)}]}]"
    )
    (found,) = await asyncio.to_thread(lambda: check_files([file], inventory=open_inventory(url, token)))
    assert found.problem == f'no series of m meets a="9"; its a is 1, 2 in {url}'
    with pytest.raises(InventoryError, match="401"):
        await asyncio.to_thread(lambda: check_files([file], inventory=open_inventory(url)))
