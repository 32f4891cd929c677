"""Logins by admins, everybody's own password, the audit log; and figures of alerts."""

import pytest

from services.api.statistics.store import uptimes
from tests.integration.api.conftest import PASSWORD

pytestmark = pytest.mark.integration
USERS = "/api/admin/users"
NEW = "another good password"


def _by_name(body):
    return {one["username"]: one for one in body["users"]}


async def test_an_admin_adds_changes_and_disables_a_login(api):
    admin = await api.log_in("admin")
    status, body = await admin.post(USERS, {"username": "ana", "password": PASSWORD, "role": "viewer"})
    assert (status, _by_name(body)["ana"]["role"]) == (201, "viewer")
    assert (await admin.post(USERS, {"username": "ana", "password": PASSWORD, "role": "viewer"}))[0] == 409
    ana = await api.visitor()
    status, session = await ana.post("/api/auth/login", {"username": "ana", "password": PASSWORD})
    assert status == 200
    path = f"{USERS}/{_by_name(body)['ana']['id']}"
    assert _by_name((await admin.get(USERS))[1])["ana"]["sessions"] == 1
    status, body = await admin.put(path, {"role": "operator"})
    assert (status, _by_name(body)["ana"]["role"], _by_name(body)["ana"]["sessions"]) == (200, "operator", 0)
    # A new role asks for a new login.
    assert (await ana.get("/api/auth/me"))[0] == 401
    await ana.post("/api/auth/login", {"username": "ana", "password": PASSWORD})
    assert (await ana.get("/api/auth/me"))[1]["user"]["role"] == "operator"
    status, body = await admin.put(path, {"disabled": True})
    assert _by_name(body)["ana"]["disabled"] is True
    assert (await ana.get("/api/auth/me"))[0] == 401
    assert (await ana.post("/api/auth/login", {"username": "ana", "password": PASSWORD}))[0] == 401
    await admin.put(path, {"disabled": False, "password": NEW})
    assert (await ana.post("/api/auth/login", {"username": "ana", "password": NEW}))[0] == 200
    status, log = await admin.get("/api/admin/audit?actor=admin&limit=500")
    actions = [one["action"] for one in log["entries"] if one["target"] == "ana"]
    assert actions == ["user_enabled", "password_changed", "user_disabled", "role_changed", "user_created"]
    assert session["csrf_token"]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}])
async def test_the_last_admin_stays(api, change):
    admin = await api.log_in("admin")
    user_id = _by_name((await admin.get(USERS))[1])["admin"]["id"]
    status, problem = await admin.put(f"{USERS}/{user_id}", change)
    assert (status, problem["type"]) == (409, "/problems/last-admin")
    assert (await admin.get("/api/auth/me"))[0] == 200


async def test_bad_logins_are_refused(api):
    admin = await api.log_in("admin")
    for body, status in [
        ({"username": "a b", "password": PASSWORD, "role": "viewer"}, 400),
        ({"username": "ana", "password": "short", "role": "viewer"}, 400),
        ({"username": "ana", "password": PASSWORD, "role": "root"}, 400),
    ]:
        assert (await admin.post(USERS, body))[0] == status, (body, status)
        for wrong in ("0", "x", "9" * 30):
            assert (await admin.put(f"{USERS}/{wrong}", {"role": "viewer"}))[0] == 404, (body, status)


async def test_ones_own_password_ends_the_other_sessions(api, monkeypatch):
    # The look at all sessions each few seconds is not what ends them here.
    monkeypatch.setattr(api.context.authenticator, "still_valid", _valid)
    here, there = await api.log_in("operator"), await api.log_in("operator")
    async with there.http.ws_connect("/api/admin/monitoring/live", origin=api.url) as socket:
        await socket.receive()
        status, problem = await here.post("/api/auth/password", {"current": "wrong", "new": NEW})
        assert (status, problem["type"]) == (403, "/problems/wrong-password")
        status, problem = await here.post("/api/auth/password", {"current": PASSWORD, "new": "short"})
        assert (status, problem["type"]) == (400, "/problems/weak-password")
        status, body = await here.post("/api/auth/password", {"current": PASSWORD, "new": NEW})
        assert (status, list(_by_name(body))) == (200, ["operator"])
        while not (await socket.receive()).type.name.startswith("CLOSE"):
            pass
        assert socket.close_code == 4401
    assert (await here.get("/api/auth/me"))[0] == 200
    assert (await there.get("/api/auth/me"))[0] == 401
    page = await api.visitor()
    assert (await page.post("/api/auth/login", {"username": "operator", "password": PASSWORD}))[0] == 401
    assert (await page.post("/api/auth/login", {"username": "operator", "password": NEW}))[0] == 200


async def _valid(_identity):
    return True


async def test_the_current_password_can_not_be_guessed(api):
    page = await api.log_in("viewer")
    wrong = {"current": "wrong", "new": NEW}
    statuses = [(await page.post("/api/auth/password", wrong))[0] for _ in range(6)]
    assert statuses == [403] * 5 + [429]


async def test_a_token_has_no_password(api):
    admin = await api.log_in("admin")
    _, made = await admin.post("/api/admin/tokens", {"name": "bot", "role": "admin"})
    program = await api.visitor(Authorization=f"Bearer {made['token']}")
    status, problem = await program.post("/api/auth/password", {"current": PASSWORD, "new": NEW})
    assert (status, problem["type"]) == (403, "/problems/not-a-person")


async def test_the_audit_log_comes_page_by_page(api):
    admin = await api.log_in("admin")
    for name in ("a1", "a2", "a3"):
        await admin.post("/api/admin/tokens", {"name": name, "role": "viewer"})
    _, first = await admin.get("/api/admin/audit?action=token_created&limit=2")
    assert [one["target"] for one in first["entries"]] == ["a3", "a2"]
    assert first["entries"][0]["detail"] == {"role": "viewer"}
    _, last = await admin.get(f"/api/admin/audit?action=token_created&limit=2&before={first['next_before']}")
    assert ([one["target"] for one in last["entries"]], last["next_before"]) == (["a1"], None)


_ROW = """
INSERT INTO alert_history (alert_id, fingerprint, status, name, severity, component, labels, annotations, rule,
    active_at, starts_at, ends_at, last_event_at, acknowledged_at, verdict)
VALUES ($1, $1, CASE WHEN $5::float8 IS NULL THEN 'firing' ELSE 'resolved' END, $2, $3, 'celery', $4::jsonb, '{}', '{}',
    now(), now() - $6::float8 * interval '1 second', now() - $5::float8 * interval '1 second', now(),
    now() - $7::float8 * interval '1 second', $8)
"""


async def test_figures_of_alerts(api):
    outage = '{"impact": "outage"}'
    rows = [
        # id, name, severity, labels, ended, began, acknowledged (seconds ago), verdict
        ("a", "Down", "critical", outage, 2800.0, 3600.0, 3540.0, "true_alarm"),
        ("b", "Down", "critical", outage, 3000.0, 3400.0, 3200.0, "true_alarm"),
        ("c", "Slow", "warning", "{}", 100.0, 200.0, None, "noise"),
        ("d", "Slow", "warning", "{}", None, 50.0, None, None),
        ("e", "Slow", "warning", "{}", 40.0, 90.0, None, "false_alarm"),
        ("f", "Old", "info", "{}", 86_400.0 * 40, 86_400.0 * 41, None, None),
    ]
    for row in rows:
        await api.sql(_ROW, *row)
    page = await api.log_in("viewer")
    async with page.http.get("/api/admin/monitoring/alerts/statistics?days=7") as answer:
        figures, tag = await answer.json(), answer.headers["ETag"]
        assert answer.headers["Cache-Control"] == "private, max-age=30"
    assert (figures["alerts"], figures["acknowledged"], figures["resolved"]) == (5, 2, 4)
    assert figures["mtta"] == pytest.approx((60 + 200) / 2, abs=1)
    assert figures["mttr"] == pytest.approx((800 + 400 + 100 + 50) / 4, abs=1)
    assert figures["mttr_median"] == pytest.approx(250, abs=1)
    assert (figures["true_alarms"], figures["false_alarms"], figures["noise"]) == (2, 1, 1)
    assert figures["precision"] == pytest.approx(0.5)
    # Two logins may act, one week: two useless alarms.
    assert figures["false_alarms_per_person_and_week"] == pytest.approx(1.0)
    assert [(one["name"], one["alerts"], one["false_alarms"]) for one in figures["noisiest"]] == [
        ("Slow", 3, 2),
        ("Down", 2, 0),
    ]
    assert [(one["severity"], one["alerts"]) for one in figures["severities"]] == [("warning", 3), ("critical", 2)]
    found = {one["component"]: one for one in figures["uptimes"]}
    # The two outages overlap: 3600 to 2800 seconds ago.
    assert found["celery"]["down_seconds"] == pytest.approx(800, abs=1)
    assert found["redis"] == {"component": "redis", "ratio": 1.0, "down_seconds": 0.0}
    # Counted once for all who ask within half a minute.
    await api.sql("DELETE FROM alert_history")
    async with page.http.get(
        "/api/admin/monitoring/alerts/statistics?days=7", headers={"If-None-Match": tag}
    ) as answer:
        assert answer.status == 304
    _, fresh = await page.get("/api/admin/monitoring/alerts/statistics?days=8")
    assert (fresh["alerts"], fresh["mtta"], fresh["precision"]) == (0, None, None)
    assert (await page.get("/api/admin/monitoring/alerts/statistics?days=0"))[0] == 400


def test_uptimes_know_components_without_outages():
    found = uptimes({"celery": 50.0, "gone": 200.0}, ["redis", "celery"], 100.0)
    assert [(one.component, one.ratio) for one in found] == [("redis", 1.0), ("celery", 0.5), ("gone", 0.0)]
