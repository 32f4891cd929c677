"""The Trends page in Chromium: choose, compare, zoom, move, take away as a file, at desk and phone width."""

import csv
import io
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from services.api.problem import storage_away
from tests.browser.conftest import Open
from tests.browser.past import OWN
from tests.browser.stub import StubApi
from tests.browser.test_quality import RESULTS, SCHEMES, _violations, axe  # noqa: F401 - axe is a fixture

PHONE, DESK = 375, 1280


async def _drawn(page: Page) -> None:
    await page.locator(".trend-plot canvas").first.wait_for()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def _span(page: Page) -> float:
    query = await page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    return float(query["to"]) - float(query["from"])


@pytest.mark.parametrize("width", [PHONE, DESK])
async def test_choosing_comparing_and_moving(stub: StubApi, open_page: Open, width: int) -> None:
    page = await open_page("/trends?metric=api_response_time", width=width)
    await _drawn(page)
    await expect(page.get_by_role("row", name="API response time")).to_contain_text("84.3")
    await page.get_by_role("button", name="7 d").click()
    await page.get_by_label("Compare with the week before").check()
    await page.get_by_label("Add a metric…").select_option("celery_queue")
    await page.get_by_label("Add a metric…").select_option(OWN)
    # One chart for each unit.
    await expect(page.locator(".trend-plot canvas")).to_have_count(3)
    await expect(page.get_by_role("columnheader", name="Mean against the week before")).to_be_attached()
    await expect(page.locator("#happened").get_by_role("link", name="fastapi 2.4.1")).to_be_visible()
    await page.get_by_role("button", name="Earlier").click()
    before = await _span(page)
    await page.get_by_role("button", name="Zoom in").click()
    assert await _span(page) == pytest.approx(before / 2, abs=2)
    # The address holds it all.
    await page.reload()
    await expect(page.locator(".trend-plot canvas")).to_have_count(3)
    await expect(page.get_by_label("Compare with the week before")).to_be_checked()
    assert stub.past_metrics.asked[-1]["metrics"] == f"api_response_time,celery_queue,{OWN}"
    await page.get_by_role("button", name="Remove Celery queue").click()
    await expect(page.locator(".trend-plot canvas")).to_have_count(2)
    await page.get_by_role("button", name="User activity").click()
    await expect(page.get_by_role("button", name="7 d")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#hours figure")).to_have_count(2)
    await expect(page.locator("#hours figure").first).to_contain_text("Highest at")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_marked_part_is_zoomed_into(stub: StubApi, open_page: Open) -> None:
    page = await open_page("/trends?metric=api_response_time")
    await _drawn(page)
    box = await page.locator(".trend-plot .u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    await expect(page.locator(".trend-readout")).to_contain_text("API response time:")
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
    await page.mouse.up()
    await page.wait_for_url("**from=*")
    assert await _span(page) == pytest.approx(86_400 / 4, rel=0.03)
    await page.get_by_role("button", name="24 h").click()
    assert "from" not in page.url


async def test_the_file_holds_what_is_shown(stub: StubApi, open_page: Open) -> None:
    page = await open_page("/trends?metric=api_response_time,celery_queue&compare=week")
    await _drawn(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download CSV").click()
    download = await downloading.value
    assert download.suggested_filename == "tocsin-trends.csv"
    text = _read(await download.path())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["metric"] for row in rows} == {"tocsin:fastapi_response_seconds:avg", "tocsin:celery_queue_length"}
    assert "week_before" in rows[0]


async def test_nothing_recorded_and_postgres_away(stub: StubApi, open_page: Open) -> None:
    stub.past_metrics.empty = True
    page = await open_page("/trends?metric=nothing,celery_queue", expected=("503",))
    await expect(page.get_by_text("Nothing is recorded under the name “nothing”")).to_be_visible()
    await expect(page.get_by_text("No values are recorded for this time")).to_be_visible()
    stub.past_metrics.away = storage_away("The record can't be used")
    await page.get_by_role("button", name="30 d").click()
    await expect(page.get_by_role("alert")).to_contain_text("Postgres can't be reached")
    stub.past_metrics.away, stub.past_metrics.empty = None, False
    await page.get_by_role("button", name="Try again").click()
    await _drawn(page)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_axe_finds_nothing_with_several_charts(stub: StubApi, open_page: Open, axe: str) -> None:  # noqa: F811
    page = await open_page(f"/trends?metric=api_response_time,celery_queue,db_query_p95,{OWN}&compare=week")
    await _drawn(page)
    await page.evaluate(axe)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for width in (PHONE, 1440):
        for scheme in SCHEMES:
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=RESULTS / f"trends-several-{width}-{scheme}.png", full_page=True)
            assert await _violations(page) == [], f"{width} px, {scheme}"
