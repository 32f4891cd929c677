"""The document against the running API: made-up requests to every operation, each answer as the document says."""

import asyncio

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.api.openapi import build_document
from services.collector import app as collector_app
from services.collector.config import CollectorConfig
from services.common.config import Shared
from tests.fixtures.waiting import until
from tests.integration.api.conftest import _add_users as add_users
from tests.integration.api.test_alerts import fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 2}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# aiohttp refuses a longer first line before anything of ours sees the request.
LONGEST_URL = 8000
# A WebSocket, and what would end the login of the test itself.
SKIPPED = {"live", "logOut"}


async def _start_all(stand):
    """The API with a real evaluator, notifier and collector; alerts, and a token whose id no request hits."""
    await add_users(stand)
    await stand.sql("ALTER TABLE api_tokens ALTER COLUMN id RESTART WITH 987654321987")
    await stand.start_notifier()
    await stand.start_evaluator()
    collector = await collector_app.build(
        stand.stack,
        CollectorConfig.model_validate({"listen": "127.0.0.1:0"}),
        Shared(data_dir=stand.data),
        clock=stand.clock,
        base=stand.data,
    )
    stand.settings = {**stand.settings, "collector_url": f"http://127.0.0.1:{collector.port}"}
    await stand.start()
    await until(lambda: stand.running.ready() == "")
    for make in (scenario.celery_down, scenario.api_slow):
        await stand.publish(fresh(make))
    await stand.recorded(2)
    admin = await stand.log_in("admin")
    _, made = await admin.post("/api/admin/tokens", {"name": "schemathesis", "role": "admin"})
    return made["token"]


def _ask_all(url, token, document, examples=EXAMPLES):
    """Every operation's answers that the document does not describe, and how many requests were made."""
    schema = schemathesis.openapi.from_dict(document)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    found, asked = [], 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] in SKIPPED:
            continue
        for mode, most in examples.items():

            @hypothesis.seed(6)
            @hypothesis.settings(
                max_examples=most,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def ask(case):
                nonlocal asked
                asked += 1
                response = case.call(base_url=url, session=session, timeout=30)
                if len(response.request.url) > LONGEST_URL:
                    return
                try:
                    case.validate_response(response, checks=CHECKS)
                except (Failure, FailureGroup) as failure:
                    found.append(f"{case.operation.label} {response.status_code}: {failure} {response.text[:300]}")

            try:
                ask()
            except hypothesis.errors.Unsatisfiable:
                # An operation that takes nothing can't be asked wrongly.
                assert mode == GenerationMode.NEGATIVE, operation.label
    return found, asked


async def test_no_answer_is_undocumented_and_none_is_ours_to_blame(stand):
    token = await _start_all(stand)
    document = build_document()
    found, asked = await asyncio.to_thread(_ask_all, stand.url, token, document)
    assert asked > 400
    assert found == [], "\n\n".join(found[:20])
    # What is not described is found.
    (health,) = (item["get"] for path, item in document["paths"].items() if path.endswith("/health/services"))
    health["responses"] = {"204": {"description": "Nothing"}}
    document["paths"] = {"/api/admin/monitoring/health/services": {"get": health}}
    found, _ = await asyncio.to_thread(_ask_all, stand.url, token, document, {GenerationMode.POSITIVE: 1})
    assert len(found) == 1
    assert "Undocumented status code" in found[0]
