"""From a job's report to an alert: a real evaluator scrapes the API and judges by the shipped rules."""

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

import services
from services.common.config import RedisSettings, Shared
from services.evaluator import app as evaluator_app
from services.evaluator.config import EvaluatorConfig
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
RULES = Path(services.__file__).parents[1] / "rules" / "checks.yml"


async def test_a_job_that_fails_raises_an_alert_until_it_succeeds(api, monkeypatch):
    monkeypatch.setattr("services.api.checks.book.REFRESH", 0.05)
    operator = await api.log_in("operator")
    body = {"name": "backup", "period_seconds": 3600, "grace_seconds": 60}
    _, made = await operator.post("/api/admin/monitoring/checks", body)
    address = f"{api.url}/ping/{made['ping_url'].rpartition('/')[2]}"
    shared = Shared(data_dir=api.data / "evaluator", redis=RedisSettings(url=api.redis_url))
    config = EvaluatorConfig.model_validate({
        "listen": "127.0.0.1:0",
        "rule_files": [str(RULES)],
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {"job_name": "tocsin", "static_configs": [{"targets": [f"127.0.0.1:{api.running.port}"]}]}
        ],
    })  # fmt: skip
    async with AsyncExitStack() as stack:
        running = await evaluator_app.build(stack, config, shared, clock=api.clock, base=api.data)
        token = shared.token_path.read_text().strip()
        http = await stack.enter_async_context(aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}))

        async def firing():
            async with http.get(f"http://127.0.0.1:{running.port}/api/v1/alerts") as answer:
                alerts = (await answer.json())["data"]["alerts"]
            return [(one["labels"]["alertname"], one["labels"]["check"]) for one in alerts if one["state"] == "firing"]

        async def down():
            return await firing() == [("CheckDown", "backup")]

        async def well():
            return await firing() == []

        await http.post(f"{address}/fail", data="disk full")
        await until(down)
        await http.post(address)
        await until(well)
