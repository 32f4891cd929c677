"""Finding and starting the Chromium that Debian packages; tests without one are skipped with how to get it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

SETTING = "CHROMIUM"
MISSING = f"no Chromium found: `apt-get install chromium`, or name one in the environment variable {SETTING}"


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    named = os.environ.get(SETTING)
    if named:
        return named
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    """Start a headless Chromium; skips the test where there is none."""
    executable = find_chromium()
    if executable is None:
        pytest.skip(MISSING)
    # Chromium refuses to sandbox itself as root; containers give it a small /dev/shm.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=arguments, timeout=120_000)
        try:
            yield browser
        finally:
            await browser.close()
