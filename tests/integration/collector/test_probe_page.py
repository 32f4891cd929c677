"""`/probe` for addresses: modules of a blackbox.yml, hostname, debug, sharing; and reloads over HTTP."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.collector.config import CollectorConfig
from services.common.config import ConfigError
from tests.fixtures.waiting import in_time
from tests.integration.collector.apps import never, ok, serving
from tests.integration.collector.conftest import Running, Start

MODULES = """\
modules:
  page: {prober: http, http: {headers: {X-Token: "hidden-word"}}}
  gateway:
    prober: http
    timeout: 2s
    http:
      fail_if_body_not_matches_regexp: ['"status":\\s*"(operational|ok)"']
      fail_if_header_not_matches: [{header: Content-Type, regexp: json}]
  port: {prober: tcp}
"""


async def post(running: Running, path: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {running.token}"}
    async with running.session.post(running.base + path, headers=headers) as response:
        return response.status, await response.text()


async def test_a_gateways_status_by_its_content(start: Start, tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    state = {"status": "operational"}

    async def status_page(_request: web.Request) -> web.Response:
        return web.json_response(state)

    async with serving({"/status": status_page, "/text": ok}) as port:
        base = f"http://127.0.0.1:{port}"
        running = await start(probe={"config_file": "blackbox.yml", "allowed_targets": [f"{base}/*"]})
        path = f"/probe?module=gateway&target={base}/status"
        assert (await running.samples(path))["probe_success"] == 1
        state["status"] = "major_outage"
        found = await running.samples(path)
        assert found['probe_failed_reason{reason="body"}'] == 1
        assert found["probe_failed_due_to_regex"] == 1
        found = await running.samples(f"/probe?module=gateway&target={base}/text")
        assert found['probe_failed_reason{reason="header"}'] == 1


async def test_hostname_debug_and_aliases(start: Start, tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    hosts = []

    async def note(request: web.Request) -> web.Response:
        hosts.append((request.headers["Host"], request.headers.get("X-Token")))
        return web.Response(text="hi")

    async with serving({"/": note}) as port:
        url = f"http://127.0.0.1:{port}/"
        running = await start(probe={"config_file": "blackbox.yml", "allowed_targets": [url, "*.shop.example"]})
        status, text = await running.get(f"/scrape?auth_module=page&target={url}&hostname=shop.example&debug=true")
        assert status == 200
        assert "Logs for the probe" in text
        assert "answers 200" in text
        assert "\nprobe_success 1\n" in text
        assert "hidden-word" not in text
        assert hosts == [("shop.example", "hidden-word")]
        for query, expected in {
            f"target={url}&target={url}&module=page": 400,
            f"target={url}&module=page&hostname=a/b": 400,
            "target=127.0.0.1:1&module=port": 403,
            "target=x&module=port": 400,
            "target=://&module=page": 400,
        }.items():
            assert (await running.get(f"/probe?{query}"))[0] == expected, query


async def test_the_same_question_at_the_same_time_is_one_probe(start: Start) -> None:
    calls, gate, asked = 0, asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        asked.set()
        await gate.wait()
        return web.Response()

    async with serving({"/": slow}) as port:
        url = f"http://127.0.0.1:{port}/"
        running = await start(probe={"allowed_targets": [url]})
        asks = [asyncio.create_task(running.samples(f"/probe?target={url}")) for _ in range(5)]
        await asyncio.wait_for(asked.wait(), 60)
        with in_time(1):
            hasty = await running.samples(f"/probe?target={url}", scrape=0.4)
        assert hasty['probe_failed_reason{reason="timeout"}'] == 1
        gate.set()
        found = await asyncio.gather(*asks)
    assert calls == 1
    assert all(samples["probe_success"] == 1 for samples in found)


async def test_a_modules_time_and_the_scrapers(start: Start) -> None:
    async with serving({"/never": never}) as port:
        url = f"http://127.0.0.1:{port}/never"
        modules = {"short": {"prober": "http", "timeout": "200ms"}, "twice": {"http": {}, "attempts": 2}}
        running = await start(probe={"allowed_targets": [url], "modules": modules})
        for module, bound in (("short", 0.2), ("twice", 0.5)):
            with in_time(1.5):
                found = await running.samples(f"/probe?target={url}&module={module}", scrape=1.5)
            assert found["probe_timeout_seconds"] == bound
            assert found['probe_failed_reason{reason="timeout"}'] == 1


async def test_reload_over_http(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "blackbox.yml"
    file.write_text(MODULES)
    async with serving({"/": ok}) as port:
        url = f"http://127.0.0.1:{port}/"
        running = await start(probe={"config_file": "blackbox.yml", "allowed_targets": [url]})
        assert (await running.get(f"/probe?target={url}&module=new"))[0] == 400
        file.write_text(MODULES + "  new: {prober: http}\n")
        assert await post(running, "/-/reload") == (200, "Reloaded.\n")
        assert (await running.samples(f"/probe?target={url}&module=new"))["probe_success"] == 1
        file.write_text("modules: {x: {prober: http, http: {fail_if_sll: true}}}\n")
        status, text = await post(running, "/-/reload")
        assert status == 500
        assert f"{file}:1:" in text
        assert "unknown key" in text
        assert (await running.samples(f"/probe?target={url}&module=new"))["probe_success"] == 1
        found = await running.samples("/metrics")
        assert found["blackbox_exporter_config_last_reload_successful"] == 0
        assert any(name.startswith("blackbox_exporter_build_info{") for name in found)
        async with running.session.post(running.base + "/-/reload") as response:
            assert response.status == 401


async def test_a_module_that_is_not_supported_is_told_and_the_others_work(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "blackbox.yml"
    grpc = "  shop_grpc: {prober: grpc}\n"
    file.write_text(MODULES + grpc)
    async with serving({"/": ok}) as port:
        url = f"http://127.0.0.1:{port}/"
        with capture_logs() as said:
            running = await start(probe={"config_file": "blackbox.yml", "allowed_targets": [url]})
            assert await post(running, "/-/reload") == (200, "Reloaded.\n")
        told = [one for one in said if one["event"] == "probe_module_refused"]
        assert [(one["module"], "grpc is not supported" in one["error"]) for one in told] == [("shop_grpc", True)]
        status, text = await running.get(f"/probe?target={url}&module=shop_grpc")
        assert status == 400
        assert text.startswith(f"This module is refused: {file}:")
        assert "use prober tcp for the port" in text
        assert (await running.samples(f"/probe?target={url}"))["probe_success"] == 1
        name = 'tocsin_collector_probe_module_refused{module="shop_grpc"}'
        found = await running.samples("/metrics")
        assert found[name] == found["redis_target_scrape_request_errors_total"] == 1
        file.write_text(MODULES)
        assert await post(running, "/-/reload") == (200, "Reloaded.\n")
        assert name not in await running.samples("/metrics")


async def test_a_probe_ends_with_the_collector(start: Start) -> None:
    asked = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        return await never(request)

    async with serving({"/never": hang}) as port:
        url = f"http://127.0.0.1:{port}/never"
        running = await start(probe={"allowed_targets": [url]})
        ask = asyncio.create_task(running.get(f"/probe?target={url}"))
        await asyncio.wait_for(asked.wait(), 60)
        await running.collector.close()
        status, text = await ask
    assert status == 200
    assert "probe_success 0" in text


def test_a_bad_module_is_refused_at_the_start(tmp_path: Path) -> None:
    probe = CollectorConfig.model_validate({"probe": {"config_file": "gone.yml"}}).probe
    with pytest.raises(ConfigError, match=r"gone\.yml"):
        probe.all_modules(tmp_path)
