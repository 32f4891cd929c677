"""From an overdue task and a vulnerable package to alerts: a real evaluator scrapes the API, by the shipped rules."""

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

import services
from services.common.config import RedisSettings, Shared
from services.evaluator import app as evaluator_app
from services.evaluator.config import EvaluatorConfig
from tests.fixtures.waiting import until
from tests.integration.api.test_quality import whole

pytestmark = pytest.mark.integration
RULES = Path(services.__file__).parents[1] / "rules"
TASKS = "/api/admin/monitoring/maintenance/tasks"


async def test_overdue_tasks_and_vulnerable_packages_raise_alerts(api):
    admin = await api.log_in("admin")
    _, task = await admin.post(TASKS, {"name": "Restore test", "cadence": "weekly"})
    await api.sql("UPDATE maintenance_tasks SET created_at = now() - interval '1 month'")
    await api.context.checklist.refresh()
    await whole(admin)
    shared = Shared(data_dir=api.data / "evaluator", redis=RedisSettings(url=api.redis_url))
    config = EvaluatorConfig.model_validate({
        "listen": "127.0.0.1:0",
        "rule_files": [str(RULES / "maintenance.yml"), str(RULES / "quality.yml")],
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
            return {
                (one["labels"]["alertname"], one["labels"].get("task") or one["labels"].get("package")): one[
                    "annotations"
                ]
                for one in alerts
                if one["state"] == "firing"
            }

        async def all_fire():
            return set(await firing()) == {
                ("MaintenanceTaskOverdue", "Restore test"),
                ("VulnerableDependency", "flask"),
                ("VulnerableDependency", "pip"),
            }

        async def task_done():
            return ("MaintenanceTaskOverdue", "Restore test") not in await firing()

        await until(all_fire, seconds=60)
        told = await firing()
        action = told["VulnerableDependency", "flask"]["action"]
        assert action == "Update flask to 1.0 or later, and audit again."
        await admin.post(f"{TASKS}/{task['id']}/ticks")
        await until(task_done, seconds=60)
