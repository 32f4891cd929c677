"""The HTTP API, as Grafana and promtool use it."""

import json

import pytest

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
    rig.settings = {"retain": "all"}
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
    assert (await ready.api("status/tsdb"))["headStats"]["numSeries"] >= 8
    assert (await ready.api("status/buildinfo"))["application"] == "Tocsin"
    assert "startTime" in await ready.api("status/runtimeinfo")
    assert await ready.api("query_exemplars?query=m&start=1&end=2") == []
    assert await ready.api("format_query?query=sum(m)by(a)") == "sum by (a) (m)"


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
    assert (await ready.api("targets?state=dropped"))["activeTargets"] == []


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
