"""Scrapes of real servers: what they send, what they suffer."""

import pytest

pytestmark = pytest.mark.integration


async def _up(rig, value, instance=""):
    found = (await rig.api("query?query=up"))["result"]
    wanted = [one for one in found if not instance or one["metric"]["instance"] == instance]
    return wanted and all(one["value"][1] == value for one in wanted)


async def test_sends_what_a_prometheus_sends_and_reports_the_scrape(rig, until):
    (rig.home / "secret").write_text("s3cret\n")
    rig.settings = {
        "retain": "all",
        "scrape_configs": [{
            "job_name": "shop", "scrape_timeout": "150ms", "authorization": {"credentials_file": "secret"},
            "params": {"module": ["m"]},
            "static_configs": [{"targets": [rig.target.address], "labels": {"env": "test"}}],
            "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "drop_.*", "action": "drop"}],
        }],
    }  # fmt: skip
    rig.target.gzip = True
    rig.target.page = 'keep_me{instance="inner"} 1\ndrop_me 2\nkeep_too 3\n'
    await rig.start()
    await until(lambda: _up(rig, "1"))
    request = rig.target.requests[0]
    assert request.headers["X-Prometheus-Scrape-Timeout-Seconds"] == "0.15"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert "application/openmetrics-text" in request.headers["Accept"]
    assert (request.headers["Accept-Encoding"], request.query_string) == ("gzip", "module=m")
    (kept,) = (await rig.api("query?query=keep_me"))["result"]
    assert kept["metric"] == {
        "__name__": "keep_me", "job": "shop", "env": "test", "instance": rig.target.address,
        "exported_instance": "inner",
    }  # fmt: skip
    assert (await rig.api("query?query=drop_me"))["result"] == []
    scraped = {}
    for name in ("scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_duration_seconds"):
        scraped[name] = float((await rig.api(f"query?query={name}"))["result"][0]["value"][1])
    assert scraped["scrape_samples_scraped"] == 3
    assert scraped["scrape_samples_post_metric_relabeling"] == 2
    assert 0 < scraped["scrape_duration_seconds"] < 1
    added = (await rig.api("query?query=max_over_time(scrape_series_added[1m])"))["result"][0]["value"][1]
    assert added == "2"


@pytest.mark.parametrize(
    ("trouble", "reason", "words"),
    [
        ({"status": 503}, "status", "HTTP status 503"),
        ({"page": "broken {\n"}, "format", "line 1: not a sample"),
        ({"page": "a 1\n", "content_type": "application/openmetrics-text; version=1.0.0"}, "format", "cut off"),
        ({"delay": 30.0}, "timeout", "no answer within"),
        ({"page": "m 1\n" * 300_000}, "too_large", "body_size_limit"),
        ({"page": "a 1\nb 2\nc 3\nd 4\n"}, "limit", "4 samples exceed sample_limit 3"),
    ],
)
async def test_a_failed_scrape_says_why(rig, until, trouble, reason, words):
    rig.settings = {
        "retain": "all",
        "scrape_configs": [{
            "job_name": "shop", "body_size_limit": "1MB", "sample_limit": 3,
            "static_configs": [{"targets": [rig.target.address]}],
        }],
    }  # fmt: skip
    await rig.start()
    await until(lambda: _up(rig, "1"))
    for name, value in trouble.items():
        setattr(rig.target, name, value)
    await until(lambda: _up(rig, "0"))
    (target,) = (await rig.api("targets"))["activeTargets"]
    assert target["health"] == "down"
    assert words in target["lastError"]
    assert f'tocsin_scrape_failures_total{{job="shop",reason="{reason}"}}' in (await rig.call("/metrics"))[1]
    # Its series end at once, not after the look-back.
    assert (await rig.api("query?query=up_since"))["result"] == []


async def test_nobody_listens(rig, until):
    rig.settings = {"scrape_configs": [{"job_name": "j", "static_configs": [{"targets": ["127.0.0.1:1"]}]}]}
    await rig.start()
    await until(lambda: _up(rig, "0"))
    assert 'reason="refused"' in (await rig.call("/metrics"))[1]


async def test_a_hung_target_delays_nobody(rig, until):
    from contextlib import AsyncExitStack

    from aiohttp import web

    async with AsyncExitStack() as stack:

        async def hang(_request):
            import asyncio

            await asyncio.sleep(60)
            return web.Response()

        app = web.Application()
        app.router.add_get("/metrics", hang)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hung = f"127.0.0.1:{runner.addresses[0][1]}"
        rig.settings = {
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [rig.target.address, hung]}]}]
        }
        await rig.start()
        await until(lambda: _up(rig, "0", hung))
        await until(lambda: _up(rig, "1", rig.target.address))
        await until(lambda: len(rig.target.requests) >= 3)
        await rig.stop()


async def test_target_files_are_watched(rig, until):
    file = rig.home / "targets.yml"
    file.write_text(f"- targets: ['{rig.target.address}']\n  labels: {{env: one}}\n")
    rig.settings = {"scrape_configs": [{"job_name": "shop", "file_sd_configs": [{"files": ["targets*.yml"]}]}]}
    await rig.start()
    await until(lambda: _labels(rig, "one"))
    file.write_text("- targets: [broken/path]\n")
    (rig.home / "targets2.yml").write_text("[]\n")
    await until(lambda: rig.evaluator.parts.scrapes._jobs["shop"].files.broken)
    assert await _labels(rig, "one")
    file.write_text(f"- targets: ['{rig.target.address}']\n  labels: {{env: two}}\n")
    await until(lambda: _labels(rig, "two"))
    file.unlink()
    await until(lambda: _gone(rig))


async def _labels(rig, env):
    found = (await rig.api("query?query=up"))["result"]
    return [one["metric"].get("env") for one in found] == [env]


async def _gone(rig):
    return (await rig.api("query?query=up"))["result"] == [] and (await rig.api("targets"))["activeTargets"] == []


async def test_jobs_from_files_and_a_broken_one_at_reload(rig, until):
    jobs = rig.home / "jobs.yml"
    jobs.write_text(f"scrape_configs:\n- job_name: a\n  static_configs: [{{targets: ['{rig.target.address}']}}]\n")
    rig.settings = {"scrape_configs": [], "scrape_config_files": ["jobs*.yml"]}
    await rig.start()
    await until(lambda: _up(rig, "1"))
    jobs.write_text("scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: x}]\n")
    await rig.evaluator.reload()
    assert 'tocsin_config_last_reload_successful{kind="scrape"} 0.0' in (await rig.call("/metrics"))[1]
    assert (await rig.api("scrape_pools"))["scrapePools"] == ["a"]
    jobs.write_text(
        f"scrape_configs:\n- job_name: a\n  honor_labels: true\n"
        f"  static_configs: [{{targets: ['{rig.target.address}']}}]\n"
    )
    await rig.evaluator.reload()
    assert 'tocsin_config_last_reload_successful{kind="scrape"} 1.0' in (await rig.call("/metrics"))[1]
    # The target of a changed job goes on without a gap.
    assert await _up(rig, "1")


async def test_series_with_their_own_timestamps(rig, until):
    rig.settings = {"retain": "all"}
    rig.target.page = "old 7 1000\nnew 8\n"
    await rig.start()
    await until(lambda: _up(rig, "1"))
    found = (await rig.api("query?query=old&time=2"))["result"]
    assert found[0]["value"][1] == "7"
    assert (await rig.api("query?query=old"))["result"] == []
