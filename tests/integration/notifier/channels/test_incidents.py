"""PagerDuty and Opsgenie: requests to the letter. Sources: developer.pagerduty.com, docs.opsgenie.com."""

import hashlib

import pytest

from services.common.config import ConfigError
from services.notifier.channels.opsgenie import OpsgenieConfig
from services.notifier.channels.pagerduty import PagerdutyChannel, PagerdutyConfig
from services.notifier.grouping import Cause
from tests.integration.notifier.channels.catalog import SECRET
from tests.integration.notifier.channels.conftest import GROUP_KEY, acknowledged, told

pytestmark = pytest.mark.integration
KEY = hashlib.sha256(GROUP_KEY.encode()).hexdigest()


async def test_pagerduty_triggers(standin, build):
    pagerduty = build(
        "pagerduty", **{"class": "{{ .CommonLabels.alertname }}"}, component="{{ .CommonLabels.component }}",
        group="prod", images=[{"src": "https://i", "alt": "a", "href": "https://h"}, {"alt": "no source"}],
        links=[{"href": "https://l", "text": "runbook"}, {"text": "no address"}],
        details={"num_firing": "{{ .Alerts.Firing | len }} of them", "deep": {"list": ["{{ .Status }}", 1]}},
    )  # fmt: skip
    assert await pagerduty.send(told()) == KEY
    seen = standin.last
    assert (seen.method, seen.path, seen.headers["content-type"]) == ("POST", "/v2/enqueue", "application/json")
    body = seen.json
    details = body["payload"].pop("custom_details")
    assert body == {
        "routing_key": SECRET, "event_action": "trigger", "dedup_key": KEY, "client": "Tocsin",
        "client_url": "https://tocsin.example.com",
        "payload": {
            "summary": "[CRITICAL] High Celery Queue Backlog", "source": "Tocsin", "severity": "critical",
            "class": "CeleryQueueBacklog", "component": "celery", "group": "prod",
        },
        "images": [{"src": "https://i", "alt": "a", "href": "https://h"}],
        "links": [{"href": "https://l", "text": "runbook"}],
    }  # fmt: skip
    assert details["num_firing"] == "1 of them"
    assert details["deep"] == {"list": ["firing", 1]}
    assert " - alertname = CeleryQueueBacklog\n" in details["firing"]
    assert details["resolved"] == ""


async def test_pagerduty_acknowledges_and_resolves(standin, build):
    pagerduty = build("pagerduty")
    assert pagerduty.follows == {Cause.ACKNOWLEDGED}
    await pagerduty.send(acknowledged())
    assert standin.last.json == {"routing_key": SECRET, "event_action": "acknowledge", "dedup_key": KEY}
    await pagerduty.send(told("resolved", Cause.RESOLVED))
    assert standin.last.json == {"routing_key": SECRET, "event_action": "resolve", "dedup_key": KEY}
    before = len(standin.seen)
    assert await pagerduty.send(told(cause=Cause.ACKNOWLEDGED)) == ""
    assert len(standin.seen) == before


@pytest.mark.parametrize(
    ("severity", "expected"), [("warning", "warning"), ("page", "error"), ("{{ .Status }}", "error")]
)
async def test_pagerdutys_severities(standin, build, severity, expected):
    await build("pagerduty", severity=severity, description="x" * 2000).send(told())
    assert standin.last.json["payload"]["severity"] == expected
    assert len(standin.last.json["payload"]["summary"]) == 1024


async def test_an_event_that_is_too_large_for_pagerduty(standin, build):
    await build("pagerduty", details={"x": "y" * 600_000}).send(told())
    assert list(standin.last.json["payload"]["custom_details"]) == ["error"]


async def test_pagerdutys_first_api(standin, build):
    url = f"{standin.url}/generic/2010-04-15/create_event.json"
    first = build("pagerduty", routing_key=None, service_key=SECRET, url=url)
    standin.usual = lambda seen: (200, {}, {"status": "success", "incident_key": seen.json["incident_key"]})
    assert await first.send(told()) == KEY
    body = standin.last.json
    assert {name: body[name] for name in ("service_key", "event_type", "incident_key", "client")} == {
        "service_key": SECRET, "event_type": "trigger", "incident_key": KEY, "client": "Tocsin",
    }  # fmt: skip
    assert body["details"]["num_firing"] == "1"
    await first.send(told("resolved", Cause.RESOLVED))
    assert standin.last.json["event_type"] == "resolve"
    assert "details" not in standin.last.json


def test_pagerdutys_keys(around, tmp_path):
    for config in ({}, {"routing_key": "x", "routing_key_file": "x"}, {"routing_key": "x", "clas": "y"}):
        with pytest.raises(ValueError):
            PagerdutyConfig.model_validate(config)
    (tmp_path / "key").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="empty"):
        PagerdutyChannel().build(PagerdutyConfig.model_validate({"routing_key_file": "key"}), around)
    (tmp_path / "key").write_text("k\n", encoding="utf-8")
    built = PagerdutyChannel().build(PagerdutyConfig.model_validate({"service_key_file": "key"}), around)
    assert built.recipients == ("https://events.pagerduty.com",)
    assert built._url.endswith("create_event.json")


async def test_opsgenie_creates(standin, build):
    opsgenie = build(
        "opsgenie", tags="a, {{ .Status }},,", actions="restart", entity="celery", note="n", priority="P1",
        details={"team": "x"},
        responders=[{"name": "ops", "type": "team"}, {"name": "a, b", "type": "teams"},
                    {"username": "u", "type": "User"}, {"id": "{{ .GroupLabels.none }}", "type": "schedule"}],
    )  # fmt: skip
    assert await opsgenie.send(told()) == "req-1"
    seen = standin.last
    assert (seen.method, seen.path) == ("POST", "/v2/alerts")
    assert seen.headers["authorization"] == f"GenieKey {SECRET}"
    assert seen.json == {
        "alias": KEY, "message": "[CRITICAL] High Celery Queue Backlog", "description": seen.json["description"],
        "details": {"alertname": "CeleryQueueBacklog", "component": "celery", "severity": "critical", "team": "x"},
        "source": "https://tocsin.example.com", "entity": "celery", "note": "n", "priority": "P1",
        "tags": ["a", "firing"], "actions": ["restart"],
        "responders": [{"name": "ops", "type": "team"}, {"type": "team", "name": "a"}, {"type": "team", "name": "b"},
                       {"username": "u", "type": "user"}],
    }  # fmt: skip
    assert "Do: Scale up Celery workers" in seen.json["description"]
    assert not any("description" in one.path for one in standin.seen)


async def test_opsgenies_later_requests(standin, build):
    opsgenie = build("opsgenie", update_alerts=True, message="x" * 200)
    assert opsgenie.follows == {Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED}
    source = {"source": "https://tocsin.example.com"}
    for message, verb, body in (
        (acknowledged(), "acknowledge", {**source, "user": "anna"}),
        (told(cause=Cause.UNACKNOWLEDGED), "unacknowledge", source),
        (told("resolved", Cause.RESOLVED), "close", source),
    ):
        await opsgenie.send(message)
        seen = standin.last
        assert (seen.method, seen.path, seen.query) == ("POST", f"/v2/alerts/{KEY}/{verb}", {"identifierType": "alias"})
        assert seen.json == body
    await opsgenie.send(told(cause=Cause.CHANGED))
    create, message, description = standin.seen[-3:]
    assert create.path == "/v2/alerts"
    assert len(create.json["message"]) == 130
    assert (message.method, message.path) == ("PUT", f"/v2/alerts/{KEY}/message")
    assert message.json == {"message": create.json["message"]}
    assert (description.method, description.path) == ("PUT", f"/v2/alerts/{KEY}/description")
    before = len(standin.seen)
    assert await opsgenie.send(told(cause=Cause.ACKNOWLEDGED)) == ""
    assert len(standin.seen) == before


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": "x", "api_key_file": "y"}, {"responders": [{"type": "team"}]},
        {"responders": [{"name": "x", "type": "robot"}]}, {"prio": "P1"},
    ],
)  # fmt: skip
def test_opsgenies_mistakes(config):
    with pytest.raises(ValueError):
        OpsgenieConfig.model_validate(config)


def test_opsgenie_needs_a_key(build):
    with pytest.raises(ConfigError, match="no key"):
        build("opsgenie", api_key=None)
