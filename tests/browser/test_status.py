"""The page Status: what is wrong with Tocsin itself stands out, at desk and phone width."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.test_work import OVERFLOWS


@pytest.mark.parametrize("width", [1280, 375])
async def test_what_is_wrong_with_tocsin_itself_is_seen(open_page: Open, width: int) -> None:
    page = await open_page("/", user="vic", width=width)
    await page.get_by_role("link", name="Status", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Status of Tocsin itself")
    services = page.locator("#status-services")
    await expect(services).to_contain_text("No sign of life from: notifier")
    await expect(services).to_contain_text("no rules are loaded")
    await expect(services).to_contain_text("an older one is in force")
    await expect(services).to_contain_text("Not reached: evaluator: postgres.")
    streams = page.get_by_role("group", name="Streams").get_by_role("row")
    await expect(streams.nth(2)).to_contain_text("notifier")
    await expect(streams.nth(2)).to_contain_text("530")
    await expect(page.locator("#status-streams")).to_contain_text("1 entry could not be used")
    scrapes = page.locator("#status-scrapes")
    await expect(scrapes.locator("[data-wrong]")).to_contain_text("41 up, 1 down")
    await expect(scrapes).to_contain_text("half in 12 ms, 95 % in 200 ms")
    await expect(page.get_by_role("group", name="Targets that fail")).to_contain_text("connection refused")
    await expect(page.get_by_role("group", name="Rules that fail")).to_contain_text("many-to-many")
    await expect(page.get_by_role("group", name="Channels")).to_contain_text("97.5% (39 of 40)")
    await expect(page.locator("#status-storage [data-wrong]")).to_have_count(2)
    assert await page.evaluate(OVERFLOWS) == []
