"""The page On call on the real API, a real notifier and a real mail server."""

import itertools

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_quality import RESULTS, SCHEMES, _violations, axe  # noqa: F401 - axe is a fixture
from tests.browser.test_work import OVERFLOWS
from tests.integration.api.conftest import PASSWORD, Stand, stand  # noqa: F401 - a fixture of the real API
from tests.integration.api.test_on_call import mailbox, people  # noqa: F401 - fixtures of the real API
from tests.integration.notifier.conftest import Mailbox

pytestmark = pytest.mark.integration


async def _open(browser: Browser, stand: Stand, user: str, problems: list[str]) -> Page:  # noqa: F811 - the fixture
    page = await browser.new_page(locale="en-GB", timezone_id="Europe/Berlin")
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if message.type == "error" and "401" not in message.text else None
        ),
    )
    await page.goto(f"{stand.url}/on-call")
    await page.get_by_label("User name").fill(user)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Contacts").wait_for()
    return page


async def test_a_duty_is_taken_over_and_preferences_are_kept(
    static,
    people: Stand,  # noqa: F811 - the fixture
    mailbox: Mailbox,  # noqa: F811 - the fixture
    browser: Browser,
    axe: str,  # noqa: F811 - the fixture
) -> None:
    problems: list[str] = []
    page = await _open(browser, people, "operator", problems)
    now = page.get_by_role("article", name="Now: Schedule primary")
    await expect(now).to_contain_text("Olga Perator")
    await expect(now).to_contain_text("You")

    # Cleo's next shift, with two presses of a key.
    await page.get_by_role("button", name="cleo, ").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Take over", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    overrides = page.get_by_role("list", name="Takeovers")
    await expect(overrides).to_contain_text("Olga Perator instead of cleo")
    await overrides.get_by_role("button", name="End the takeover by Olga Perator").click()
    await expect(overrides).not_to_contain_text("Olga Perator")

    form = page.get_by_role("form", name="How I am told")
    await form.get_by_role("checkbox", name="Twilio sms", exact=True).uncheck()
    await form.get_by_role("button", name="Add quiet hours").click()
    await form.get_by_label("Time zone").fill("Mars/Base")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_contain_text("Europe/Berlin")
    await form.get_by_label("Time zone").fill("Europe/Oslo")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("Saved, and in force now.")
    contact = people.notifier.pipeline.engine.posting.directory.contacts["operator"]
    assert [way.integration for way in contact.ways] == ["email/0"]
    assert [one.zone.key for one in contact.quiet_hours] == ["Europe/Oslo"]
    await page.reload()
    await expect(form.get_by_label("Time zone")).to_have_value("Europe/Oslo")
    await expect(form.get_by_role("checkbox", name="Twilio sms", exact=True)).not_to_be_checked()

    await form.get_by_role("button", name="Send me a test message").click()
    await expect(form.locator(".test-results")).to_contain_text("Email operator@example.com: taken by the provider")
    await expect(form.locator(".test-results")).to_contain_text("Twilio sms +49301234567: failed")
    assert mailbox.subjects == ["[TEST] Test notification"]

    await page.evaluate(axe)
    RESULTS.mkdir(parents=True, exist_ok=True)
    await page.get_by_role("button", name="cleo, ").first.click()
    for width, scheme in itertools.product((375, 1440), SCHEMES):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        await page.screenshot(path=RESULTS / f"on-call-{width}-{scheme}.png", full_page=True)
        assert await _violations(page) == [], f"{width} px, {scheme}"
        assert await page.evaluate(OVERFLOWS) == []
    await form.get_by_role("button", name="Back to what the file says").click()
    await expect(form.get_by_role("checkbox", name="Twilio sms", exact=True)).to_be_checked()
    await page.close()

    page = await _open(browser, people, "viewer", problems)
    await expect(page.get_by_text("There is no contact “viewer”")).to_be_visible()
    await expect(page.get_by_role("button", name="Take over")).to_have_count(0)
    await expect(page.get_by_role("article", name="Olga Perator")).to_contain_text("+49•••••••67")
    assert [text for text in problems if "400" not in text] == []
