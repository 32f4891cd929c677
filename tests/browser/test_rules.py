"""Rules in Chromium: why one does not fire, and making, changing, disabling and deleting one."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.stub import StubApi
from tests.fixtures.waiting import until

WIDTHS = (1280, 375)


@pytest.mark.parametrize("width", WIDTHS)
async def test_why_a_rule_does_not_fire(stub: StubApi, open_page: Open, width: int) -> None:
    page = await open_page("/rules", width=width)
    rule = page.locator(".rule", has_text="CeleryQueueBacklog")
    await expect(rule).to_contain_text("Quiet")
    await rule.locator("summary").click()
    await expect(rule.locator("canvas")).to_be_visible()
    await expect(rule).to_contain_text("From rules/celery.yml, line 12")
    await expect(rule).to_contain_text("Nothing matches celery_gone.")
    await expect(rule.locator("tbody tr")).to_have_count(20)
    await rule.get_by_role("button", name="Dry run: last 24 h").click()
    await expect(rule.locator(".preview")).to_contain_text("would have fired 1 time")
    await expect(rule.locator(".preview")).to_contain_text("By the recorded history.")
    assert await rule.get_by_role("button", name="Edit").count() == 0
    recorded = page.locator(".rule", has=page.locator("strong", has_text="tocsin:celery_queue_length"))
    await expect(recorded).to_contain_text("Failing")
    await recorded.locator("summary").click()
    await expect(recorded.locator("tbody")).to_contain_text("no such metric")
    await expect(recorded).to_contain_text("From rules/celery.yml, line 4")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_label("Search").fill("nothing like it")
    await expect(page.get_by_text("No rule fits")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_rule_is_made_changed_disabled_and_deleted(stub: StubApi, open_page: Open, width: int) -> None:
    page = await open_page("/rules", width=width)
    await page.get_by_role("button", name="New rule").click()
    form = page.locator("form.form")
    await form.get_by_label("Name").fill("QueueLong")
    await form.get_by_label("Metric", exact=True).fill("tocsin:celery_queue_length")
    await form.get_by_label("Threshold", exact=True).fill("50")
    await form.get_by_label("Channels").fill("slack, sms")
    await expect(form.locator(".preview")).to_contain_text("In the last 24 h it would have fired 1 time.")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await form.get_by_role("button", name="Save").click()
    made = page.locator("#made .rule")
    await expect(made).to_contain_text("tocsin:celery_queue_length > 50")
    assert stub.rules["1"].rule.channels == ("slack", "sms")

    await made.locator("summary").click()
    await made.get_by_role("button", name="Edit").click()
    await form.get_by_label("Condition").select_option("expr")
    field = form.get_by_label("Expression")
    await field.fill("")
    await field.press_sequentially("sum(tocsin:cel")
    await expect(page.get_by_role("option", name="tocsin:celery_queue_length")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await field.press("Enter")
    await field.press_sequentially("{q")
    await expect(page.get_by_role("option", name="queue")).to_be_visible()
    await field.press("Tab")
    await field.press_sequentially('="')
    await page.get_by_role("option", name="mails").click()
    await expect(field).to_have_value('sum(tocsin:celery_queue_length{queue="mails')
    await expect(field).to_be_focused()
    await form.get_by_label("Expression").fill("sum((")
    await expect(form.locator(".form-error")).to_contain_text("could not parse")
    await form.get_by_label("Expression").fill("sum(x) > 7")
    await expect(form.locator(".form-error")).to_have_count(0)
    await form.get_by_role("button", name="Save").click()
    await expect(made).to_contain_text("sum(x) > 7")
    await made.get_by_role("button", name="Disable").click()
    await expect(made).to_contain_text("Disabled")
    assert not stub.rules["1"].rule.enabled
    assert stub.rules["1"].version == 3
    await made.get_by_role("button", name="Delete").click()
    await until(lambda: stub.rules == {})
    await expect(page.locator("#made")).to_have_count(0)


async def test_a_viewer_sees_rules_and_changes_none(stub: StubApi, open_page: Open) -> None:
    page = await open_page("/rules", user="vic")
    await expect(page.locator(".rule")).to_have_count(2)
    assert await page.get_by_role("button", name="New rule").count() == 0
    link = page.get_by_role("link", name="Export as YAML")
    assert await link.get_attribute("href") == "/api/admin/monitoring/rules/export"
