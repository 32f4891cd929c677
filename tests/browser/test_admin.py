"""Settings and statistics in Chromium, at desktop and phone width."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.stub import StubApi
from tests.browser.test_work import OVERFLOWS

WIDTHS = (1280, 375)


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_admin_manages_people_and_tokens(stub: StubApi, open_page: Open, width: int) -> None:
    page = await open_page("/settings", user="ada", width=width, expected=("409",))
    vic = page.get_by_role("article", name="vic")
    await vic.get_by_label("Role of vic").select_option("operator")
    await vic.get_by_role("button", name="Disable").click()
    await expect(vic).to_contain_text("(disabled)")
    await expect(vic.get_by_label("Role of vic")).to_have_value("operator")
    await page.get_by_role("article", name="ada").get_by_role("button", name="Disable").click()
    await expect(page.get_by_role("article", name="ada").get_by_role("alert")).to_contain_text("the last admin")
    people = page.locator("#users")
    await people.get_by_label("User name").fill("ben")
    await people.get_by_label("First password").fill("a long password")
    await people.get_by_role("button", name="Add a person").click()
    await expect(page.get_by_role("article", name="ben")).to_be_visible()
    tokens = page.locator("#tokens")
    await tokens.get_by_label("Token name").fill("grafana")
    await tokens.get_by_role("button", name="Make a token").click()
    await expect(tokens.get_by_role("status")).to_contain_text("secret-shown-once")
    await tokens.get_by_role("button", name="Revoke").click()
    await expect(tokens.locator("article")).to_have_count(0)
    audit = page.locator("#audit")
    await expect(audit.locator("li")).to_have_count(50)
    await audit.get_by_role("button", name="Show older").click()
    await expect(audit.locator("li")).to_have_count(100)
    await expect(audit.get_by_role("button", name="Show older")).to_have_count(0)
    assert await page.evaluate(OVERFLOWS) == []


async def test_everybody_changes_the_own_password_and_sees_no_more(open_page: Open) -> None:
    page = await open_page("/settings", user="vic", expected=("403",))
    await page.get_by_label("Current password").fill("wrong")
    await page.get_by_label("New password").fill("a new password")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_role("alert")).to_contain_text("The current password is wrong.")
    await page.get_by_label("Current password").fill("correct horse")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("Your other sessions have ended.")).to_be_visible()
    assert await page.locator("#users, #tokens, #audit").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
async def test_statistics_are_told(open_page: Open, width: int) -> None:
    page = await open_page("/statistics", width=width)
    await expect(page.locator("#noisiest")).to_contain_text("CeleryQueueBacklog")
    await expect(page.locator(".facts")).to_contain_text("3 min 4 s on average, 1 min 35 s in the middle")
    await expect(page.locator(".facts")).to_contain_text("90.0 % (18 true, 1 false, 1 noise)")
    await expect(page.locator("#uptimes")).to_contain_text("99.991 %")
    await page.get_by_label("Time span").select_option("7")
    await expect(page.locator("#uptimes")).to_contain_text("PostgreSQL")
    assert await page.evaluate(OVERFLOWS) == []
