"""Maintenance alerts are listed, dismissed with a reason, and counted."""

import pytest

from tests.fixtures.waiting import until
from tests.integration.api.test_alerts import fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
PATH = "/api/maintenance"


async def test_the_story_of_a_maintenance_alert(api, monkeypatch):
    page, viewer = await api.log_in("operator"), await api.log_in("viewer")
    mine, other = (
        fresh(scenario.celery_down).model_copy(
            update={
                "alert_id": f"01-{category}",
                "fingerprint": mark * 16,
                "labels": {"alertname": "A", "category": category},
            }
        )
        for mark, category in (("a", "code_quality"), ("b", "performance"))
    )
    await api.publish(mine, other)

    async def both():
        return len((await page.get("/api/admin/monitoring/alerts/active"))[1]["alerts"]) == 2

    await until(both)
    await api.sql(
        "INSERT INTO checks (name, key_hash, period_seconds, grace_seconds, created_by, created_at, failed)"
        " VALUES ('backup', 'k', 60, 60, 'ana', now(), true)"
    )
    rows = await api.context.checks.store.rows()
    monkeypatch.setattr(api.context.checks, "_rows", rows)
    status, listed = await viewer.get(f"{PATH}/alerts")
    assert (status, [alert["id"] for alert in listed["alerts"]]) == (200, [mine.alert_id])
    _, found = await viewer.get(f"{PATH}/health")
    assert (found["status"], found["open_alerts"], found["overdue"]) == ("critical", 1, ["backup"])

    dismiss = f"{PATH}/alerts/{mine.alert_id}/dismiss"
    assert (await page.post(dismiss, {"reason": " "}))[0] == 400
    assert (await page.post(dismiss, {}))[0] == 400
    status, alert = await page.post(dismiss, {"reason": " After the release "})
    assert (status, alert["acknowledged"]["by"], alert["acknowledged"]["comment"]) == (
        200,
        "operator",
        "After the release",
    )
    assert (await page.post(dismiss, {"reason": "again"}))[1]["acknowledged"]["comment"] == "After the release"
    assert (await viewer.get(f"{PATH}/alerts"))[1]["alerts"] == []
    shown = (await viewer.get(f"{PATH}/alerts", params={"dismissed": "true"}))[1]["alerts"]
    assert [alert["id"] for alert in shown] == [mine.alert_id]
    _, counts = await viewer.get(f"{PATH}/metrics")
    assert (counts["open_alerts"], counts["dismissed_alerts"], counts["checks"]["down"]) == (0, 1, 1)

    status, body = await page.post(f"{PATH}/alerts/{other.alert_id}/dismiss", {"reason": "no"})
    assert (status, body["type"]) == (409, "/problems/not-maintenance")
    status, body = await page.post(f"{PATH}/alerts/none/dismiss", {"reason": "no"})
    assert (status, body["type"]) == (404, "/problems/unknown-alert")
