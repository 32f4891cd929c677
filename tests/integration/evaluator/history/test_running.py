"""A whole evaluator: what its rules record arrives in Postgres, also what it recorded while Postgres was away."""

import json

import pytest

from services.common.clock import SystemClock
from services.common.config import Shared
from services.evaluator.app import build
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
RULES = """
groups:
  - name: shop
    interval: 200ms
    rules:
      - {record: "tocsin:shop_queue", expr: "sum(queue_length) by (queue)"}
      - {record: "other:queue", expr: "sum(queue_length)"}
      - {alert: Backlog, expr: "tocsin:shop_queue > 20", labels: {severity: warning}}
"""


async def test_what_rules_record_is_kept(history, rig):
    (rig.home / "rules").mkdir()
    (rig.home / "rules" / "shop.yml").write_text(RULES)
    rig.target.page = 'queue_length{queue="mail"} 47\nqueue_length{queue="pay"} 3\n'
    rig.settings = {"history": {"flush_interval": "300ms"}}
    dsn = history.dsn.replace(history.dsn.partition("@")[2].partition("/")[0], f"127.0.0.1:{history.postgres.port}")
    shared = Shared.model_validate({"data_dir": rig.home / "data", "postgres": {"dsn": dsn}})
    await build(history.stack, rig.config(), shared, clock=SystemClock(), base=rig.home)

    async def names():
        return {
            (metric, json.loads(labels).get("queue"))
            for metric, labels in await history.sql("SELECT metric, labels::text FROM metric_series")
        }

    wanted = {("tocsin:shop_queue", "mail"), ("tocsin:shop_queue", "pay"), ("tocsin:alert_value", "mail")}

    async def all_there():
        return await names() == wanted

    await until(all_there)
    values = await history.sql(
        "SELECT DISTINCT metric, labels ->> 'queue', value FROM metric_samples JOIN metric_series USING (series_id)"
    )
    assert set(values) == {
        ("tocsin:shop_queue", "mail", 47.0),
        ("tocsin:shop_queue", "pay", 3.0),
        ("tocsin:alert_value", "mail", 47.0),
    }

    async def longest_pause():
        rows = await history.sql(
            "SELECT extract(epoch FROM at - lag(at) OVER (PARTITION BY series_id ORDER BY at))::float8"
            " FROM metric_samples JOIN metric_series USING (series_id) WHERE labels ->> 'queue' = 'pay'"
        )
        return max(pause for (pause,) in rows if pause is not None)

    async def count():
        return (await history.sql("SELECT count(*) FROM metric_samples"))[0][0]

    before = await count()
    await history.postgres.cut()
    backlog = rig.home / "data" / "evaluator" / "history" / "0"
    await until(lambda: len(list(backlog.glob("*.chunk"))) >= 12)
    assert await count() == before
    await history.postgres.mend()
    await until(lambda: not list(backlog.glob("*.chunk")))
    # Evaluations are 200 ms apart, longer on a busy machine; the outage alone was longer than 3.6 s.
    assert await longest_pause() < 3.0
