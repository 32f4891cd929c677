"""A real evaluator that scrapes the API and judges by shipped rules."""

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

import services
from services.common.config import RedisSettings, Shared
from services.evaluator import app
from services.evaluator.config import EvaluatorConfig

_RULES = Path(services.__file__).parents[1] / "rules"


@asynccontextmanager
async def judged_by(api, *rule_files):
    """Start it; gives a function that returns the alerts which fire, as Prometheus' API tells them."""
    shared = Shared(data_dir=api.data / "evaluator", redis=RedisSettings(url=api.redis_url))
    config = EvaluatorConfig.model_validate({
        "listen": "127.0.0.1:0",
        "rule_files": [str(_RULES / name) for name in rule_files],
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {"job_name": "tocsin", "static_configs": [{"targets": [f"127.0.0.1:{api.running.port}"]}]}
        ],
    })  # fmt: skip
    async with AsyncExitStack() as stack:
        running = await app.build(stack, config, shared, clock=api.clock, base=api.data)
        token = shared.token_path.read_text().strip()
        http = await stack.enter_async_context(aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}))

        async def firing():
            async with http.get(f"http://127.0.0.1:{running.port}/api/v1/alerts") as answer:
                alerts = (await answer.json())["data"]["alerts"]
            return [one for one in alerts if one["state"] == "firing"]

        yield firing
