"""The page Maintenance: errors from a stand-in, jobs on the real API."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PATIENCE_MS, Open
from tests.browser.stub import StubApi
from tests.browser.test_work import OVERFLOWS
from tests.integration.api.conftest import PASSWORD, Stand, api, stand  # noqa: F401 - fixtures of the real API


async def test_errors_are_searched_and_their_example_is_shown(stub: StubApi, open_page: Open) -> None:
    page = await open_page("/maintenance", width=375)
    await expect(page.locator(".error-kind")).to_have_count(2)
    await page.get_by_label("Search errors").fill("PAYMENT")
    await expect(page.locator(".error-kind")).to_have_count(1)
    kind = page.get_by_role("article", name="payment <n> failed")
    await expect(kind).to_contain_text("42 times")
    await expect(kind.get_by_role("img", name="42 in the last 24 hours, at most 42 in one")).to_be_visible()
    await kind.get_by_text("Last example").click()
    await expect(kind.locator("pre")).to_contain_text("in pay")
    await page.get_by_label("Search errors").fill("no such thing")
    await expect(page.get_by_text("No error fits")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1280, 375])
async def test_a_task_is_ticked_with_a_note(open_page: Open, width: int) -> None:
    page = await open_page("/maintenance#checklist", width=width)
    checklist = page.locator("#checklist")
    await expect(checklist.get_by_role("article").first).to_have_attribute("aria-label", "Restore test of a backup")
    task = checklist.get_by_role("article", name="Restore test of a backup")
    await expect(task).to_contain_text("Overdue")
    await expect(checklist.get_by_role("article", name="Nightly report")).to_contain_text("nobody can tell")
    await task.get_by_label("Note on Restore test of a backup").fill("12 tables came back")
    await page.keyboard.press("Enter")
    await expect(task).to_contain_text("12 tables came back")
    await expect(task.locator(".badge")).to_have_text("Done")
    await expect(task).to_contain_text("by ana")
    await task.get_by_text("History").click()
    await expect(task.locator(".reports")).to_contain_text("by ana")
    assert await page.evaluate(OVERFLOWS) == []


async def test_without_logs_the_page_says_how_to_follow_them(stub: StubApi, open_page: Open) -> None:
    stub.errors |= {"configured": False, "errors": []}
    stub.checks = []
    stub.tasks = []
    page = await open_page("/maintenance", user="vic")
    await expect(page.get_by_text("collector.targets.logs")).to_be_visible()
    await expect(page.get_by_text("No job reports here yet")).to_be_visible()
    await expect(page.get_by_text("Nothing is on the checklist")).to_be_visible()
    assert (
        await page.get_by_role("button", name="New check").or_(page.get_by_role("button", name="New task")).count() == 0
    )


async def test_a_check_is_made_reported_to_changed_and_deleted(static, api: Stand, browser) -> None:  # noqa: F811 - the fixture
    page = await browser.new_page(locale="en-GB", timezone_id="Europe/Berlin")
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{api.url}/maintenance")
    await page.get_by_label("User name").fill("operator")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="New check").click()
    await page.get_by_label("Name").fill("backup")
    await page.get_by_label("Expected every").select_option("cron")
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    await page.get_by_label("Schedule (").fill("0 3 * *")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("form").get_by_role("alert")).to_contain_text("five fields")
    await page.get_by_label("Schedule (").fill("0 3 * * *")
    await page.get_by_role("button", name="Save").click()
    address = await page.locator(".preview pre").text_content()
    assert address is not None
    card = page.get_by_role("article", name="backup")
    await expect(card).to_contain_text("New")
    path = "/ping/" + address.rpartition("/")[2]
    reported = await page.request.post(f"{api.url}{path}", data="10 tables")
    assert reported.ok
    await expect(card).to_contain_text("Up")
    await expect(card).to_contain_text("at 0 3 * * * (Europe/Berlin)")
    await card.get_by_text("Last reports").click()
    await expect(card.locator("pre")).to_have_text("10 tables")
    await card.get_by_role("button", name="Edit").click()
    await page.get_by_label("Expected every").select_option("3600")
    await page.get_by_role("button", name="Save").click()
    await expect(card).to_contain_text("every 1")
    await card.get_by_role("button", name="Delete").click()
    await card.get_by_role("button", name="Delete for good").click()
    await expect(card).to_have_count(0)
    assert await api.sql("SELECT 1 FROM checks") == []
