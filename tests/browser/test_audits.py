"""The page Code quality in Chromium, at desktop and phone width."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.stub import StubApi
from tests.browser.test_work import OVERFLOWS


@pytest.mark.parametrize("width", [1280, 375])
async def test_scores_and_what_pulls_them_down(open_page: Open, width: int) -> None:
    page = await open_page("/quality#vulnerabilities", width=width)
    await expect(page.get_by_role("article", name="Testing")).to_contain_text(re.compile(r"\d\.\d of 10"))
    await expect(page.get_by_role("article", name="Architecture")).to_contain_text("No score without: radon-mi.")
    await expect(page.get_by_role("article", name="Security").get_by_role("img")).to_have_accessible_name(
        re.compile("Security in the last 5 audits: from")
    )
    await expect(page.locator("#pulls li").first).to_have_accessible_name("Vulnerable packages")
    flask = page.get_by_role("article", name="flask PYSEC-2019-179")
    await expect(flask).to_contain_text("Update to 1.0 or later")
    await expect(page.get_by_role("article", name="oldlib PYSEC-2099-1")).to_contain_text("No fixed version yet")
    await expect(page.locator("#findings")).to_contain_text("shop/pay.py:7")
    assert await page.get_by_role("button", name="Run full audit").count() == 0
    assert await page.evaluate(OVERFLOWS) == []


async def test_without_an_audit_the_page_says_how_to_post_one(stub: StubApi, open_page: Open) -> None:
    stub.audits = []
    page = await open_page("/quality", user="vic", width=375)
    await expect(page.locator("pre")).to_contain_text(f"api={stub.url}/api/admin/monitoring/quality/audits")
    assert await page.evaluate(OVERFLOWS) == []


async def test_an_admin_runs_the_audit_and_sees_how_it_ended(stub: StubApi, open_page: Open) -> None:
    stub.audit_run = {}
    page = await open_page("/quality", user="ada")
    await page.get_by_role("button", name="Run full audit").click()
    await expect(page.get_by_role("main")).to_contain_text("It ended with the exit code 2.")
    await page.get_by_text("What it printed").click()
    await expect(page.locator("pre")).to_have_text("ruff: not found")
