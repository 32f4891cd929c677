"""Each answer's JSON, kept in tests/fixtures/api/ and read by the page's tests too.

After a wanted change run this file with UPDATE_SNAPSHOTS=1 and look at the difference.
"""

import json
import os
import re
from pathlib import Path

import pytest

from services.api.alerts.model import ActiveAlerts, AlertDetail, AlertHistory, RecordedAlert
from services.api.alerts.timeline import build_timeline
from services.api.live.hub import LiveHub
from services.api.live.model import LivePing, LiveQuery
from services.api.metrics import ApiMetrics
from services.api.openapi import build_document
from services.api.problem import Problem, ProblemError
from services.api.routes.auth import Session, SessionUser
from services.api.routes.tokens import NewToken, Token, Tokens
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from tests.unit.api import scenario

FOLDER = Path(__file__).parents[2] / "fixtures" / "api"
TOKEN = {
    "id": 7, "name": "grafana", "role": "viewer", "created_by": "admin", "created_at": scenario.NOW - 86_400,
    "expires_at": None, "last_used_at": scenario.NOW - 60,
}  # fmt: skip


def _detail():
    view = scenario.told_view()
    alert = view.get(scenario.celery_down().alert_id)
    sent = [
        {"at": alert.starts_at + wait, "status": "firing", "cause": cause, "receiver": "team", "channel": "email",
         "recipient": "oncall@example.com", "attempt": attempt, "result": result, "reason": reason}
        for wait, cause, attempt, result, reason in (
            (0.4, "new", 1, "temporary_failure", "refused"),
            (5.4, "new", 2, "delivered", ""),
            (250.0, "changed", 1, "delivered", ""),
        )
    ]  # fmt: skip
    timeline = build_timeline(alert, view.actions_of(alert.id), sent)
    return AlertDetail(**dict(alert), timeline=timeline, verdict=None, complete=True)


def _recorded(alert):
    alone = alert.status == "resolved" and alert.acknowledged is None
    return RecordedAlert(**dict(alert), attempts=3, comments=1, verdict="noise" if alone else None, auto_resolved=alone)


async def _live():
    """A snapshot, then the changes of an alert that resolves while another begins."""
    clock, view = ManualClock(scenario.NOW), scenario.told_view()
    hub = LiveHub(view, scenario.told_overview(view), clock, ApiMetrics(Telemetry("api").registry), epoch="7Qm2")
    snapshot = json.loads(hub.start(LiveQuery())[0])
    sent = []
    hub._clients = {type("Client", (), {"offer": staticmethod(sent.append)})}
    await clock.advance(3)
    view.apply_event(scenario.api_slow(status="resolved", sent_at=scenario.NOW + 2))
    view.apply_event(scenario.event("RedisMemoryHigh", labels={"component": "redis"}, starts_at=scenario.NOW + 1))
    hub.send_changes()
    return snapshot, json.loads(sent[0])


async def _answers():
    view, snapshot_and_changes = scenario.told_view(), await _live()
    overview = scenario.told_overview(view)
    every = [view.get(alert_id) for alert_id in view.ids()]
    newest_first = sorted(every, key=lambda alert: -alert.starts_at)
    problem = ProblemError(409, "already-resolved", "The alert has resolved.", "Nothing is left to do.").response()
    models = {
        "metrics_realtime": overview.realtime(scenario.NOW),
        "health_services": overview.health(scenario.NOW),
        "alerts_active": ActiveAlerts(alerts=view.firing()),
        "alerts_history": AlertHistory(
            alerts=[_recorded(alert) for alert in newest_first],
            next_cursor="1699998300000000_0123456789abcdef-1699998300000",
        ),
        "alert": view.get(scenario.celery_down().alert_id),
        "alert_detail": _detail(),
        "rules": overview.rules,
        "session": Session(user=SessionUser(username="sam", role="operator"), csrf_token="csrf-of-the-session"),
        "tokens": Tokens(tokens=[Token.model_validate(TOKEN)]),
        "new_token": NewToken.model_validate({**TOKEN, "token": "secret-shown-once"}),
        "problem": Problem.model_validate_json(problem.body),
        "live_ping": LivePing(),
    }
    answers = {name: json.loads(model.model_dump_json()) for name, model in models.items()}
    answers["live_snapshot"], answers["live_changes"] = snapshot_and_changes
    answers["openapi"] = build_document()
    return answers


def _text(answer):
    # A point of a sparkline takes one line, not four.
    point = re.compile(r"\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]")
    return point.sub(r"[\1, \2]", json.dumps(answer, indent=1, ensure_ascii=False)) + "\n"


async def test_answers_are_as_the_page_knows_them():
    for name, answer in (await _answers()).items():
        path = FOLDER / f"{name}.json"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.write_text(_text(answer), encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == answer, f"{path.name} differs"


async def test_no_snapshot_is_left_over():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(await _answers())


_ALERT = """
id fingerprint name status severity category component summary description action action_link value labels annotations
active_at starts_at ends_at acknowledged muted muted_until flapping rule notifications
"""


def _keys(value):
    return set(value) if isinstance(value, dict) else set()


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("metrics_realtime", "at panels"),
        ("health_services", "at overall components external services missing_services"),
        ("alerts_active", "alerts"),
        ("alerts_history", "alerts next_cursor"),
        ("alert", _ALERT),
        ("session", "user csrf_token"),
        ("problem", "type title status detail mend"),
        ("live_snapshot", "seq epoch type at health metrics alerts"),
        ("live_changes", "seq type at health alerts"),
        ("live_ping", "type"),
    ],
)  # fmt: skip
def test_the_contracts_keys(name, keys):
    assert _keys(json.loads((FOLDER / f"{name}.json").read_text())) == set(keys.split())


def test_the_story_is_told():
    health = json.loads((FOLDER / "health_services.json").read_text())
    assert health["overall"] == "down"
    assert {card["key"]: card["status"] for card in health["components"]} == {
        "fastapi": "degraded", "postgres": "healthy", "redis": "healthy", "websocket": "healthy", "celery": "down",
    }  # fmt: skip
    assert all(len(card["metrics"]) == 3 for card in health["components"])
    assert health["missing_services"] == ["notifier"]
    realtime = json.loads((FOLDER / "metrics_realtime.json").read_text())
    assert [panel["key"] for panel in realtime["panels"] if panel["grid"]] == [
        "api_response_time", "websocket_latency", "db_query_p95", "celery_queue", "error_rate", "cache_hit_rate",
        "active_sessions", "memory",
    ]  # fmt: skip
    changes = json.loads((FOLDER / "live_changes.json").read_text())
    assert [alert["name"] for alert in changes["alerts"]["upsert"]] == ["RedisMemoryHigh"]
    assert changes["alerts"]["remove"] == [scenario.api_slow().alert_id]
