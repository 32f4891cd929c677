"""The status of Tocsin itself: with all parts, and with each away."""

import time
import uuid

import pytest

from services.api.status import reader
from services.api.status.servers import read_delivery
from services.common.events import ALERTS_STREAM
from services.common.storage import Database
from tests.fixtures.waiting import until
from tests.integration.api.conftest import _add_users as add_users
from tests.integration.api.test_alerts import fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/status"
# Two series on each side of an operator that knows no label to join them by.
_TWO = "(vector(1) or label_replace(vector(1), 'a', 'b', '', ''))"
RULES = f"""\
groups:
  - name: stack
    rules:
      - {{record: "tocsin:one", expr: "vector(1)"}}
      - {{record: "tocsin:broken", expr: "{_TWO} * on() {_TWO}"}}
"""


async def read(page, api):
    api.context.status._kept = None
    status, body = await page.get(PATH)
    assert status == 200, body
    return body


async def test_all_parts_tell_of_themselves(stand):
    api = stand
    await add_users(api)
    await api.start_notifier()
    await api.start_evaluator(RULES)
    await api.start()
    await until(lambda: api.running.ready() == "")
    page = await api.log_in("viewer")
    await api.publish(fresh(scenario.celery_down))
    await api.publish(b"no event")
    await api.recorded(1)
    await api.sql("ANALYZE alert_history")

    told = {}

    async def complete():
        told.update(await read(page, api))
        return (
            told["rules"]["spread"]["count"]
            and told["streams"]["dead"]
            and {one["service"] for one in told["services"]["services"]} >= {"api", "evaluator", "notifier"}
        )

    await until(complete)
    assert {part: told[part]["missing"] for part in told if part != "at"} == dict.fromkeys(set(told) - {"at"}, "")
    alerts = next(stream for stream in told["streams"]["streams"] if stream["name"] == ALERTS_STREAM)
    assert alerts["entries"] == 2
    assert abs(alerts["newest"] - time.time()) < 600
    assert {"history", "notifier"} <= {group["name"] for group in alerts["groups"]}
    assert all(group["lag"] <= 2 for group in alerts["groups"])
    assert {one["stream"] for one in told["streams"]["dead"]} >= {f"{ALERTS_STREAM}:dead:history"}
    assert told["services"]["missing_services"] == ["collector"]
    assert {config["service"] for config in told["services"]["configs"]} >= {"evaluator", "notifier"}
    assert told["rules"]["rules"] == 2
    assert [rule["name"] for rule in told["rules"]["failing"]] == ["tocsin:broken"]
    assert told["rules"]["failing"][0]["error"]
    tables = {table["name"]: table for table in told["postgres"]["tables"]}
    assert tables["alert_history"]["rows"] == 1
    assert told["postgres"]["bytes"] > 1_000_000
    assert told["redis"]["bytes"] > 100_000
    assert told["redis"]["keys"] > 0


async def test_what_is_away_is_named_and_the_rest_is_shown(api, monkeypatch):
    monkeypatch.setattr(reader, "PART_SECONDS", 1.0)
    page = await api.log_in("viewer")
    told = await read(page, api)
    # The stand-in evaluator has neither targets nor metrics, and no notifier runs.
    assert told["scrapes"]["missing"].startswith("The evaluator's targets can't be read (failed).")
    assert told["queue"]["missing"].startswith("The notifier's /metrics can't be re")
    assert told["rules"]["rules"] > 0
    assert told["postgres"]["missing"] == told["redis"]["missing"] == ""
    await api.redis.cut()
    await api.postgres.cut()
    told = await read(page, api)
    for part, name in (("streams", "Redis"), ("redis", "Redis"), ("postgres", "Postgres"), ("delivery", "Postgres")):
        assert told[part]["missing"].startswith(f"{name} "), told[part]
    assert told["rules"]["rules"] > 0


async def test_it_is_read_once_for_many_pages(api):
    page = await api.log_in("viewer")
    first = (await page.get(PATH))[1]
    assert (await page.get(PATH))[1]["at"] == first["at"]


async def test_deliveries_count_messages_not_attempts(migrated_dsn):
    database = Database(migrated_dsn, name="test")
    now = time.time()

    async def attempt(delivery, channel, result, *, ago=60, reason="", seconds=0.1):
        await database.execute(
            "INSERT INTO notifications (attempt_id, delivery_id, at, alert_ids, status, cause, group_key, receiver,"
            " channel, recipient, attempt, result, reason, duration_seconds)"
            " VALUES ($1, $2, to_timestamp($3), '{}', 'firing', 'new', 'g', 'r', $4, 'x', 1, $5, $6, $7)",
            uuid.uuid4(), delivery, now - ago, channel, result, reason, seconds,
        )  # fmt: skip

    try:
        assert (await read_delivery(database, now)).channels == []
        await attempt("a", "slack", "temporary_failure", ago=90, reason="timeout", seconds=9)
        await attempt("a", "slack", "delivered", ago=80, seconds=0.2)
        await attempt("b", "slack", "temporary_failure", ago=70, reason="rate_limited")
        await attempt("c", "slack", "temporary_failure", ago=70, reason="refused")
        await attempt("c", "slack", "expired", ago=50, reason="too_old")
        await attempt("d", "email", "delivered", seconds=1.5)
        await attempt("e", "email", "delivered", ago=90_000)
        email, slack = (await read_delivery(database, now)).channels
        assert (email.channel, email.messages, email.delivered, email.p95, email.last_failure) == (
            "email",
            1,
            1,
            1.5,
            None,
        )
        assert (slack.messages, slack.delivered, slack.failed, slack.waiting, slack.attempts) == (3, 1, 1, 1, 5)
        assert slack.p95 == pytest.approx(0.2)
        assert slack.last_failure == pytest.approx(now - 50, abs=0.01)
        assert slack.last_reason == "too_old"
    finally:
        await database.close()
