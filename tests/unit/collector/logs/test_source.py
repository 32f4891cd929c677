"""The source as the collector uses it: scrapes, the error page, reload, and its own state."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context
from services.collector.sources.logs import KIND
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.page import errors_page
from services.collector.sources.logs.source import LogSource, open_logs
from services.common.clock import SystemClock
from services.common.telemetry import Telemetry

Open = Callable[..., Awaitable[LogSource]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def open_source(tmp_path: Path, stack: AsyncExitStack) -> Open:
    async def start(own: AsyncExitStack | None = None, **settings: Any) -> LogSource:
        given = {"name": "app", "service": "shop", "paths": ["app.log"], "start_at": "beginning", **settings}
        context = Context(SystemClock(), Telemetry("collector"), tmp_path, own or stack, tmp_path / "data")
        return await open_logs(LogTarget.model_validate(given), context)

    return start


def write(tmp_path: Path, *levels: str, event: str = "order 1 failed", name: str = "app.log") -> None:
    with (tmp_path / name).open("a") as file:
        file.writelines(f'{{"level":"{level}","event":"{event}","token":"abc"}}\n' for level in levels)


async def scrape(source: LogSource) -> Sheet:
    sheet = Sheet()
    await source.collect(sheet, 5.0)
    return sheet


async def page(*sources: LogSource, query: str = "") -> dict[str, Any]:
    answer = await errors_page(sources, make_mocked_request("GET", f"/errors?{query}"))
    assert answer.content_type == "application/json"
    assert isinstance(answer.body, bytes)
    found: dict[str, Any] = orjson.loads(answer.body)
    return found


async def test_what_a_scrape_shows(tmp_path: Path, open_source: Open) -> None:
    source = await open_source()
    write(tmp_path, "info", "info", "warning", "error")
    sheet = await scrape(source)
    assert sheet.value("log_lines_total", service="shop", level="info") == 2
    assert sheet.value("log_lines_total", service="shop", level="error") == 1
    assert sheet.value("log_lines_total", service="shop", level="critical") == 0
    assert sheet.value("log_errors_total", service="shop", level="error", fingerprint="other") == 0
    assert sheet.value("log_files", service="shop") == 1
    assert sheet.value("log_behind_bytes", service="shop") == 0
    assert sheet.value("log_last_record_timestamp_seconds", service="shop") == pytest.approx(
        SystemClock().now(), abs=60
    )
    assert sheet.value("logs_up") == 1


async def test_a_new_errors_series_begins_at_zero_for_one_scrape(tmp_path: Path, open_source: Open) -> None:
    source = await open_source()
    write(tmp_path, "error", "error")
    first = await scrape(source)
    (error,) = (await page(source))["errors"]
    labels = {"service": "shop", "level": "error", "fingerprint": error["fingerprint"]}
    assert first.value("log_errors_total", **labels) == 0
    assert (await scrape(source)).value("log_errors_total", **labels) == 2
    write(tmp_path, "error")
    assert (await scrape(source)).value("log_errors_total", **labels) == 3


async def test_the_error_page(tmp_path: Path, open_source: Open) -> None:
    source = await open_source()
    write(tmp_path, "error", "error")
    await scrape(source)
    answer = await page(source)
    (error,) = answer["errors"]
    assert (answer["total"], answer["missing"]) == (1, [])
    assert error["message"] == "order <n> failed"
    assert (error["service"], error["target"], error["level"], error["count"]) == ("shop", "app", "error", 2)
    assert len(error["trend"]) == 24
    assert error["trend"][-1][1] + error["trend"][-2][1] == 2
    assert error["example"]["message"] == "order 1 failed"
    assert error["example"]["fields"] == {"token": "[hidden]"}
    assert error["first_seen"] <= error["last_seen"]


async def test_the_error_page_chooses(tmp_path: Path, open_source: Open) -> None:
    shop = await open_source()
    other = await open_source(name="other", service="mail", paths=["other.log"])
    write(tmp_path, "error", event="a")
    write(tmp_path, "critical", event="b")
    write(tmp_path, "error", event="c", name="other.log")
    for source in (shop, other):
        await scrape(source)

    async def chosen(query: str) -> set[str]:
        return {error["message"] for error in (await page(shop, other, query=query))["errors"]}

    assert await chosen("") == {"a", "b", "c"}
    assert await chosen("service=shop") == {"a", "b"}
    assert await chosen("service=shop&level=critical") == {"b"}
    assert await chosen("since=99999999999") == set()
    assert len(await chosen("limit=2")) == 2
    fingerprint = (await page(other))["errors"][0]["fingerprint"]
    assert await chosen(f"fingerprint={fingerprint}") == {"c"}


@pytest.mark.parametrize("query", ["limit=many", "since=yesterday"])
async def test_the_error_page_refuses_what_is_no_number(query: str) -> None:
    with pytest.raises(web.HTTPBadRequest):
        await page(query=query)


async def test_a_source_that_hangs_is_named_as_missing(open_source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    source = await open_source()

    async def hang() -> None:
        raise TimeoutError

    monkeypatch.setattr(source, "errors", hang)
    assert (await page(source))["missing"] == ["app"]


async def test_a_reload_hands_over_and_counts_nothing_twice(tmp_path: Path, open_source: Open) -> None:
    async with AsyncExitStack() as first:
        old = await open_source(first)
        write(tmp_path, "error")
        await scrape(old)
        new = await open_source()
        # As the collector does it: the new one is there before the old one goes.
        await first.aclose()
        write(tmp_path, "error")
        sheet = await scrape(new)
    assert sheet.value("log_lines_total", service="shop", level="error") == 2


async def test_two_collectors_on_one_state_are_told_so(tmp_path: Path, open_source: Open) -> None:
    write(tmp_path, "error")
    await scrape(await open_source())
    second = await open_source()
    sheet = Sheet()
    with pytest.raises(ScrapeError, match="data_dir") as caught:
        await second.collect(sheet, 5.0)
    assert caught.value.reason is Reason.CONFIG
    second.down(sheet, "config")
    assert sheet.value("logs_up") == 0


async def test_what_may_not_be_read_makes_the_target_down_and_the_rest_is_shown(
    tmp_path: Path, open_source: Open
) -> None:
    source = await open_source()
    write(tmp_path, "info")
    await scrape(source)
    source.tail._meet = lambda *_: source.tail.denied.update({"/var/log/x": "Permission denied"})  # type: ignore[method-assign]  # the tests run as root, whom no file refuses
    sheet = Sheet()
    with pytest.raises(ScrapeError, match="let the collector's user read it") as caught:
        await source.collect(sheet, 5.0)
    assert caught.value.reason is Reason.PERMISSION
    source.down(sheet, "permission")
    assert sheet.value("logs_up") == 0
    assert sheet.value("log_lines_total", service="shop", level="info") == 1


async def test_a_state_that_can_not_be_written_makes_the_target_down(tmp_path: Path, open_source: Open) -> None:
    source = await open_source()
    (tmp_path / "data" / "collector" / "logs" / "app.new").mkdir(parents=True)
    write(tmp_path, "info")
    with pytest.raises(ScrapeError, match="would count again"):
        await scrape(source)


async def test_counts_go_on_after_a_restart(tmp_path: Path, open_source: Open) -> None:
    async with AsyncExitStack() as first:
        write(tmp_path, "error", "info")
        await scrape(await open_source(first))
    write(tmp_path, "error")
    sheet = await scrape(await open_source())
    assert sheet.value("log_lines_total", service="shop", level="error") == 2


def test_the_kind() -> None:
    target = LogTarget(name="app", paths=("/var/log/app.log",))
    assert KIND.address(target) == "/var/log/app.log"
    assert target.label == "app"
    assert set(KIND.pages) == {"/errors"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"paths": []}, "at least 1"),
        ({"paths": ["a", "a"]}, "stands twice"),
        ({"paths": ["a.gz"]}, "compressed"),
        ({"paths": ["/var/log/"]}, "names no file"),
        ({"format": "xml"}, "choose one of auto, json"),
        ({"start_at": "middle"}, "pattern"),
        ({"max_line": "1"}, "greater than or equal"),
        ({"poll_interval": "1ms"}, "greater than or equal"),
        ({"max_fingerprints": 0}, "greater than or equal"),
        ({"pathes": ["a"]}, "Extra inputs"),
    ],
)
def test_mistakes_in_the_configuration(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogTarget.model_validate({"name": "app", "paths": ["app.log"], **settings})
