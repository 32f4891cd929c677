"""From an overdue task and a vulnerable package to alerts: a real evaluator scrapes the API, by the shipped rules."""

import pytest

from tests.fixtures.waiting import until
from tests.integration.api.judge import judged_by
from tests.integration.api.test_quality import whole

pytestmark = pytest.mark.integration
TASKS = "/api/admin/monitoring/maintenance/tasks"


async def test_overdue_tasks_and_vulnerable_packages_raise_alerts(api):
    admin = await api.log_in("admin")
    _, task = await admin.post(TASKS, {"name": "Restore test", "cadence": "weekly"})
    await api.sql("UPDATE maintenance_tasks SET created_at = now() - interval '1 month'")
    await api.context.checklist.refresh()
    await whole(admin)
    async with judged_by(api, "maintenance.yml", "quality.yml") as alerts:

        async def firing():
            found = [(one["labels"], one["annotations"]) for one in await alerts()]
            return {(labels["alertname"], labels.get("task") or labels.get("package")): told for labels, told in found}

        async def all_fire():
            return set(await firing()) == {
                ("MaintenanceTaskOverdue", "Restore test"),
                ("VulnerableDependency", "flask"),
                ("VulnerableDependency", "pip"),
            }

        async def task_done():
            return ("MaintenanceTaskOverdue", "Restore test") not in await firing()

        await until(all_fire)
        told = await firing()
        action = told["VulnerableDependency", "flask"]["action"]
        assert action == "Update flask to 1.0 or later, and audit again."
        await admin.post(f"{TASKS}/{task['id']}/ticks")
        await until(task_done)
