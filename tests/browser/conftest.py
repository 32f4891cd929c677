"""The built page in Chromium against a stand-in API."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, expect

import hatch_build
from tests.browser.chromium import MISSING, find_chromium, launch
from tests.browser.stub import USERS, StubApi

ROOT = Path(hatch_build.__file__).parent
Open = Callable[..., Awaitable[Page]]
# Who is signed in is asked at the start; before the login the answer is 401, and Chromium logs every such answer.
_WHO_AM_I = "/api/auth/me"
AWAY = ("ERR_",)

# Timings never decide a test, as in tests/fixtures/waiting.py.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


_FAILED: pytest.StashKey[bool] = pytest.StashKey()
FAILURES = ROOT / "test-results" / "failures"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def ui() -> Path:
    """The page's sources, with all packages installed."""
    folder = ROOT / "services" / "api" / "ui"
    with hatch_build._alone(ROOT / ".tocsin" / "dashboard.lock"):
        hatch_build.install_packages(folder, hatch_build.find_node(ROOT), dev=True)
    return folder


@pytest.fixture(scope="session")
def static() -> Path:
    """The built page."""
    hatch_build.build(ROOT)
    return ROOT / "services" / "api" / "static"


@pytest.fixture
async def stub(static: Path) -> AsyncIterator[StubApi]:
    api = StubApi(static)
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """A Chromium; what its pages showed when a test failed is kept in `FAILURES`."""
    if find_chromium() is None:
        pytest.skip(MISSING)
    async with launch() as started:
        yield started
        if request.node.stash.get(_FAILED, False):
            await _keep(started, re.sub(r"\W+", "-", request.node.name).strip("-"))


async def _keep(browser: Browser, name: str) -> None:
    pages = [page for context in browser.contexts for page in context.pages]
    for number, page in enumerate(pages):
        # A page that has crashed has no picture; the test's own error is what counts.
        with contextlib.suppress(Error):
            await page.screenshot(path=FAILURES / f"{name}-{number}.png", timeout=10_000)


@pytest.fixture
async def open_page(stub: StubApi, browser: Browser) -> AsyncIterator[Open]:
    """Open the page, signed in unless `user` is None; at the end no page may have logged an error.

    `expected` are parts of the errors that the test brings about; AWAY those of a network that it takes away.
    """
    problems: list[str] = []

    async def opening(
        path: str = "/",
        *,
        user: str | None = "ana",
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        expected: tuple[str, ...] = (),
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB",
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)

        def note(message: ConsoleMessage) -> None:
            url = message.location.get("url", "")
            known = url.endswith(_WHO_AM_I) or any(part in message.text for part in expected)
            if message.type in {"error", "warning"} and not known:
                problems.append(f"{message.text} ({url})")

        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        if user is not None:
            await context.request.post(
                f"{stub.url}/api/auth/login", data={"username": user, "password": USERS[user][0]}
            )
        await page.goto(stub.url + path)
        if user is not None:
            await page.get_by_text("Live", exact=True).wait_for(state="attached")
        return page

    yield opening
    assert problems == []
