"""Groups that real Prometheus-compatible servers evaluate, and series that are written to them."""

import asyncio
import json
import math

import pytest
from aiohttp import web

pytestmark = pytest.mark.integration
GROUP = """groups:
- name: there
  source: {url}
  interval: 500ms
  rules:
  - {{record: 'there:m:sum', expr: sum by (job) (m)}}
  - alert: High
    expr: m > 2
    clear: m < 1
    labels: {{severity: warning, total: '{{{{ with query "sum(m)" }}}}{{{{ . | first | value }}}}{{{{ end }}}}'}}
    annotations: {{summary: '{{{{ query (printf "m{{a=%q}}" $labels.a) | first | value }}}}'}}
  - {{alert: Broken, expr: m * on (job) m}}
  - {{record: one, expr: '1'}}
"""


async def rules_of(rig):
    groups = (await rig.api("rules"))["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


async def test_a_group_is_evaluated_at_its_source(rig, peer, until):
    rig.target.page = 'm{a="1"} 1\nm{a="2"} 3\n'
    rig.settings = {"scrape_configs": [], "retain": "all"}
    rig.rules(GROUP.format(url=peer.url + "/"))
    await rig.start()

    async def fires():
        return (await rules_of(rig))["High"]["state"] == "firing"

    await until(fires)
    (alert,) = (await rig.api("alerts"))["alerts"]
    assert {name: alert["labels"][name] for name in ("a", "job", "severity", "total")} == {
        "a": "2", "job": "there", "severity": "warning", "total": "4",
    }  # fmt: skip
    assert alert["annotations"] == {"summary": "3"}
    found = (await rig.api("query?query=there:m:sum"))["result"]
    assert [(one["metric"], one["value"][1]) for one in found] == [({"__name__": "there:m:sum", "job": "there"}, "4")]
    rules = await rules_of(rig)
    assert rules["Broken"]["health"] == "err"
    assert rules["one"]["health"] == "ok"
    # The threshold alone is passed; the alert goes when its clear expression holds.
    rig.target.page = 'm{a="1"} 1\nm{a="2"} 1.5\n'

    async def lower():
        found = (await rig.api("query?query=there:m:sum"))["result"]
        return found and found[0]["value"][1] == "2.5"

    await until(lower)
    assert await fires()
    rig.target.page = 'm{a="1"} 1\nm{a="2"} 0.5\n'

    async def ends():
        return not await fires()

    await until(ends)


async def test_a_source_that_goes_away_is_no_recovery(rig, peer, until):
    rig.target.page = 'm{a="2"} 3\n'
    rig.settings = {"scrape_configs": []}
    rig.rules(GROUP.format(url=peer.url))
    await rig.start()

    async def firing():
        rule = (await rules_of(rig))["High"]
        return rule["state"] == "firing" and rule

    await until(firing)
    peer.kill()

    async def fails():
        rule = (await rules_of(rig))["High"]
        return rule["health"] == "err" and rule

    rule = await until(fails)
    assert peer.url in rule["lastError"]
    assert rule["state"] == "firing"
    metrics = (await rig.call("/metrics"))[1]
    assert 'tocsin_rule_evaluation_failures_total{group="rules/shop.yml;there",reason="source"}' in metrics


async def test_series_are_written(rig, peer, until):
    rig.rules("""groups: [{name: g, rules: [
        {record: 'here:m', expr: 'm > 0', labels: {team: t}}, {alert: High, expr: 'here:m > 1', for: 1h}]}]""")
    rig.target.page = "m 2\n"
    rig.settings = {
        "remote_write": [{"url": peer.write_url}],
        "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms", "external_labels": {"site": "a"}},
    }
    await rig.start()

    async def written():
        return await peer.query("here:m == 2") and await peer.query("ALERTS")

    await until(written)
    (series,) = await peer.query("here:m")
    assert series["metric"] == {
        "__name__": "here:m", "team": "t", "site": "a", "job": "shop", "instance": rig.target.address,
    }  # fmt: skip
    (alert,) = await peer.query("ALERTS")
    assert (alert["metric"]["alertstate"], alert["metric"]["site"]) == ("pending", "a")
    (since,) = await peer.query("ALERTS_FOR_STATE")
    assert math.isclose(float(since["value"][1]), rig.evaluator.parts.clock.now(), abs_tol=60)
    rig.target.page = "m 0\n"

    async def stale():
        # Five minutes of look-back would still show it, were it not for the marker of staleness.
        return not await peer.query("here:m") and not await peer.query("ALERTS")

    await until(stale)
    metrics = (await rig.call("/metrics"))[1]
    assert "tocsin_remote_write_samples_dropped_total{" not in metrics


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, "hello"), "not an answer of Prometheus' API: 'hello'"),
        ((502, "<html>"), "HTTP status 502"),
        ((200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}})), "not a vector"),
        ((200, json.dumps({"status": "success", "isPartial": True, "data": {}})), "a part of its data"),
        ((422, json.dumps({"status": "error", "errorType": "execution", "error": "no"})), "execution: no"),
        ((400, json.dumps({"status": "error", "errorType": "bad_data", "error": "no"})), "bad_data: no"),
        ((200, json.dumps([])), "not an answer"),
        (None, "no answer within 0.05 s"),
    ],
)
async def test_answers_of_no_use(rig, until, answer, words):
    async def handler(_request):
        if answer is None:
            await asyncio.sleep(5)
            return web.Response()
        return web.Response(status=answer[0], text=answer[1])

    rig.target.answer = handler
    await rig.open()
    url = f"http://{rig.target.address}"
    rig.settings = {"scrape_configs": [], "sources": [{"url": url, "timeout": "50ms" if answer is None else "5s"}]}
    rig.rules(f"groups: [{{name: g, source: '{url}', interval: 200ms, rules: [{{alert: A, expr: m > 1}}]}}]")
    await rig.start()

    async def failed():
        return (await rules_of(rig))["A"].get("lastError")

    assert words in await until(failed)


async def test_a_source_gets_its_credentials_and_the_time(rig, until):
    asked = []

    async def handler(request):
        asked.append((request.headers.get("Authorization"), dict(await request.post())))
        data = {"resultType": "scalar", "result": [1, "2"]}
        return web.json_response({"status": "success", "data": data})

    rig.target.answer = handler
    await rig.open()
    url = f"http://{rig.target.address}"
    rig.settings = {"scrape_configs": [], "sources": [{"url": url, "basic_auth": {"username": "u", "password": "p"}}]}
    rig.rules(
        f"groups: [{{name: g, source: '{url}', interval: 200ms, query_offset: 100s, rules: [{{record: r, expr: m}}]}}]"
    )
    await rig.start()
    before = rig.evaluator.parts.clock.now()
    await until(lambda: asked)
    auth, form = asked[0]
    assert auth == "Basic dTpw"
    assert form["query"] == "m"
    assert -5 < float(form["time"]) - (before - 100) < 5


async def test_a_source_slower_than_its_group_misses_rounds(rig, until):
    async def handler(_request):
        await asyncio.sleep(1)
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    rig.target.answer = handler
    await rig.open()
    rig.settings = {"scrape_configs": []}
    url = f"http://{rig.target.address}"
    rig.rules(
        f"groups: [{{name: slow, source: '{url}', interval: 100ms, rules: [{{record: r, expr: m}}]}},"
        "{name: own, interval: 100ms, rules: [{record: s, expr: '1'}]}]"
    )
    await rig.start()

    async def missed():
        text = (await rig.call("/metrics"))[1]
        return 'evaluations_missed_total{group="rules/shop.yml;slow"} 5' in text

    await until(missed)
    rules = await rules_of(rig)
    assert len(rules["s"]["tocsin"]["evaluations"]) > len(rules["r"]["tocsin"]["evaluations"])
