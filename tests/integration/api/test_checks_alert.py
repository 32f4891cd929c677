"""From a job's report to an alert: a real evaluator scrapes the API and judges by the shipped rules."""

import aiohttp
import pytest

from tests.fixtures.waiting import until
from tests.integration.api.judge import judged_by

pytestmark = pytest.mark.integration


async def test_a_job_that_fails_raises_an_alert_until_it_succeeds(api, monkeypatch):
    monkeypatch.setattr("services.api.checks.book.REFRESH", 0.05)
    operator = await api.log_in("operator")
    body = {"name": "backup", "period_seconds": 3600, "grace_seconds": 60}
    _, made = await operator.post("/api/admin/monitoring/checks", body)
    address = f"{api.url}/ping/{made['ping_url'].rpartition('/')[2]}"
    async with judged_by(api, "checks.yml") as alerts, aiohttp.ClientSession() as http:

        async def firing():
            return [(one["labels"]["alertname"], one["labels"]["check"]) for one in await alerts()]

        async def down():
            return await firing() == [("CheckDown", "backup")]

        async def well():
            return await firing() == []

        await http.post(f"{address}/fail", data="disk full")
        await until(down)
        await http.post(address)
        await until(well)
