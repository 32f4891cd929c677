"""Working on alerts in Chromium: the long list, silences, comments, verdicts; at desktop and phone width."""

import re
import time

import pytest
from playwright.async_api import expect

from tests.browser import samples
from tests.browser.conftest import Open
from tests.browser.stub import StubApi
from tests.fixtures.waiting import until

WIDTHS = (1280, 375)
# What stands beyond the edge and can't be scrolled in a box of its own.
OVERFLOWS = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
    .map((element) => element.outerHTML.slice(0, 120))"""


def _many(count: int) -> list[samples.Alert]:
    now = time.time()
    return [
        samples.backlog(
            now,
            id=f"02-{index:05}",
            summary=f"Backlog of queue {index}",
            labels={"alertname": "CeleryQueueBacklog", "queue": f"q{index}"},
            starts_at=now - 90 - index / 1000,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_alert_is_silenced_in_two_clicks_with_a_preview(stub: StubApi, open_page: Open, width: int) -> None:
    now = time.time()
    stub.alerts = [samples.postgres_down(now), samples.backlog(now)]
    page = await open_page("/", width=width)
    card = page.locator('[data-alert="01-CeleryQueueBacklog"]')
    await card.get_by_role("button", name="Silence").click()
    dialog = page.get_by_role("dialog", name="Silence alerts")
    await expect(dialog.locator(".preview")).to_contain_text("Hides 1 alert that fires now.")
    await expect(dialog.locator(".preview")).to_contain_text("High Celery queue backlog")
    assert await page.evaluate(OVERFLOWS) == []
    await dialog.get_by_role("button", name="Silence", exact=True).click()
    await expect(dialog).to_be_hidden()
    assert [one["matchers"][0] for one in stub.silences] == [
        {"name": "alertname", "op": "=", "value": "CeleryQueueBacklog"}
    ]
    await page.goto(f"{stub.url}/alerts?tab=silenced")
    await expect(page.locator(".alert-row")).to_have_count(1)
    await page.goto(f"{stub.url}/silences")
    shown = page.locator(".silence")
    await expect(shown).to_contain_text('alertname="CeleryQueueBacklog"')
    await expect(shown.get_by_role("link")).to_have_text("High Celery queue backlog")
    await shown.get_by_role("button", name="End now").click()
    await expect(page.get_by_text("Nothing is silenced")).to_be_visible()
    await expect(page.locator('.silence[data-state="expired"]')).to_have_count(1)


async def test_a_broad_silence_is_warned_of(stub: StubApi, open_page: Open) -> None:
    stub.alerts = _many(30)
    page = await open_page("/silences")
    await page.get_by_role("button", name="New silence").click()
    dialog = page.get_by_role("dialog", name="Silence alerts")
    field = dialog.get_by_label("Labels, one a line")
    await field.fill("nonsense")
    await expect(dialog.get_by_role("alert")).to_contain_text("Not understood: nonsense")
    await field.fill("alertname=~Celery.*")
    await expect(dialog.locator(".warned").first).to_contain_text("30 of the 30")
    await dialog.get_by_role("button", name="Silence anyway").click()
    await expect(page.locator(".silence")).to_contain_text("Hides 30 alerts that fire now.")


async def test_a_list_of_five_thousand_stays_small_and_quick(stub: StubApi, open_page: Open) -> None:
    stub.alerts = _many(5000)
    page = await open_page("/alerts")
    await expect(page.locator(".alert-row").first).to_contain_text("Backlog of queue")
    assert await page.locator(".alert-row").count() < 100
    # Frames while it scrolls from end to end: of a few a busy machine may make long ones, not of most.
    usual = await page.evaluate(
        """async () => {
          let last = performance.now();
          const frames = [];
          const height = document.documentElement.scrollHeight;
          for (let step = 0; step <= 60; step++) {
            scrollTo(0, height * step / 60);
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frames.push(now - last);
            last = now;
          }
          return frames.sort((a, b) => a - b)[30];
        }"""
    )
    assert usual < 300
    await expect(page.locator(".alert-row").last).to_contain_text("Backlog of queue 0")


async def test_keys_move_and_act_in_the_list(stub: StubApi, open_page: Open) -> None:
    stub.alerts = _many(300)
    page = await open_page("/alerts")
    first = page.locator(".alert-row").first
    await first.wait_for()
    for _ in range(40):
        await page.keyboard.press("j")
    focused = await page.evaluate("document.activeElement.dataset.alert")
    assert focused == sorted((one.id for one in stub.alerts), reverse=True)[39]
    await page.keyboard.press("k")
    await page.keyboard.press("a")
    await until(lambda: len(stub.acknowledged) == 1)
    await page.locator(".alert-row").nth(3).focus()
    await page.keyboard.press("s")
    await expect(page.get_by_role("dialog", name="Silence alerts")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search")).to_be_focused()


@pytest.mark.parametrize("width", WIDTHS)
async def test_filters_are_kept_in_the_address_and_many_are_taken_on(
    stub: StubApi, open_page: Open, width: int
) -> None:
    stub.alerts = [samples.postgres_down(time.time()), *_many(12)]
    page = await open_page("/alerts", width=width)
    await page.get_by_label("Severity").select_option("warning")
    await page.get_by_label("Search").fill("queue 1")
    await expect(page.locator(".alert-row")).to_have_count(3)
    assert page.url.endswith("/alerts?severity=warning&text=queue+1")
    assert await page.evaluate(OVERFLOWS) == []
    await page.reload()
    await expect(page.locator(".alert-row")).to_have_count(3)
    await page.get_by_role("button", name="Select all").click()
    await page.get_by_role("button", name="Acknowledge selected").click()
    await expect(page.get_by_text("No alert fits")).to_be_visible()
    assert len(stub.acknowledged) == 3
    await page.get_by_role("link", name="Acknowledged 3").click()
    await expect(page.locator(".alert-row")).to_have_count(3)
    await page.get_by_role("link", name="History").click()
    assert "tab=history" in page.url
    await expect(page.locator(".alert-row").first).to_contain_text(re.compile(r"\d messages? in \d attempts"))


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_alerts_page_has_chart_related_comments_and_verdict(
    stub: StubApi, open_page: Open, width: int
) -> None:
    now = time.time()
    runbook = {"runbook_url": "https://runbooks.example/backlog"}
    alert = samples.acknowledged(samples.backlog(now, annotations=runbook), "ben", now - 20, "On it")
    stub.alerts = [alert, samples.alert("CeleryDown", now=now, summary="No worker answers")]
    page = await open_page(f"/alerts/{alert.id}", width=width)
    await expect(page.locator("#chart canvas")).to_be_visible()
    await expect(page.locator("#related .alert-row")).to_contain_text("No worker answers")
    await expect(page.get_by_role("link", name="https://runbooks.example/backlog")).to_be_visible()
    await page.get_by_label("Write a comment").fill("Scaled to 8 workers")
    await page.get_by_role("button", name="Comment", exact=True).click()
    await expect(page.locator(".entry").last).to_contain_text("Scaled to 8 workers")
    await page.get_by_role("button", name="Give back").click()
    await expect(page.locator(".alert-top [data-acknowledge]")).to_be_visible()
    await stub.resolve(alert.id)
    await page.get_by_role("button", name="False alarm").click()
    await expect(page.locator(".verdict")).to_contain_text("False alarm, says ana.")
    assert await page.evaluate(OVERFLOWS) == []


async def test_a_viewer_can_look_only(stub: StubApi, open_page: Open) -> None:
    stub.alerts = [samples.backlog(time.time())]
    page = await open_page("/alerts", user="vic")
    await expect(page.locator(".alert-row")).to_have_count(1)
    assert await page.get_by_role("checkbox").count() == 0
    assert await page.get_by_role("button", name="Silence").count() == 0
    await page.goto(f"{stub.url}/silences")
    await expect(page.get_by_text("Nothing is silenced")).to_be_visible()
    assert await page.get_by_role("button", name="New silence").count() == 0
