"""What holds for the whole page: contrast and names (axe), size, types, and what its security policy asks."""

import gzip
import itertools
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page

import hatch_build
from tests.browser import samples
from tests.browser.conftest import AWAY, ROOT, Open
from tests.browser.stub import StubApi
from tests.browser.test_work import OVERFLOWS

LIMIT = 100_000
RESULTS = ROOT / "test-results" / "screenshots"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAGES = {
    "login": "/",
    "overview": "/",
    "alert": "/alerts/01-CeleryQueueBacklog",
    "trends": "/trends",
    "alerts": "/alerts",
    "silences": "/silences",
    "rules": "/rules",
    "settings": "/settings",
    "statistics": "/statistics",
    "maintenance": "/maintenance",
    "status": "/status",
    "quality": "/quality",
    "missing": "/nowhere",
}


@pytest.fixture(scope="session")
def axe(ui: Path) -> str:
    return (ui / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


async def _violations(page: Page) -> list[str]:
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found["violations"]]


@pytest.mark.parametrize("name", PAGES)
async def test_axe_finds_nothing(stub: StubApi, open_page: Open, axe: str, name: str) -> None:
    now = time.time()
    stub.changed |= {"celery_queue": 47.0, "db_connections": None, "db_query_p95": None}
    stub.missing = ("notifier",)
    stub.alerts = [
        samples.postgres_down(now),
        samples.acknowledged(samples.backlog(now, flapping=True), "ben", now - 20, "On it"),
        samples.alert("Note", now=now, severity="info", summary="For information", muted="cooldown"),
    ]
    page = await open_page(PAGES[name], user=None if name == "login" else "ana")
    await page.locator("h1").first.wait_for()
    await page.wait_for_load_state("networkidle")
    await page.evaluate(axe)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for width, scheme in itertools.product((375, 1440), SCHEMES):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        await page.screenshot(path=RESULTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert await _violations(page) == [], f"{width} px, {scheme}"
        assert await page.evaluate(OVERFLOWS) == [], f"{width} px, {scheme}"


# What only an admin sees, and what opens: the page, what is pressed there, and what is there then.
OPENED = {
    "admins-settings": ("/settings", "", "#audit li"),
    "admins-quality": ("/quality", "", "role=button[name='Run full audit']"),
    "rule": ("/rules", ".rule summary", ".rule canvas"),
    "rule-form": ("/rules", "role=button[name='New rule']", "form.form"),
    "check-form": ("/maintenance", "role=button[name='New check']", "form"),
    "task-form": ("/maintenance", "role=button[name='New task']", "form"),
    "silence-dialog": ("/silences", "role=button[name='New silence']", "role=dialog"),
    "silence-of-an-alert": ("/alerts/01-CeleryQueueBacklog", "role=button[name='Silence']", "role=dialog"),
}


async def test_axe_finds_nothing_in_what_opens(stub: StubApi, open_page: Open, axe: str) -> None:
    stub.alerts = [samples.backlog(time.time())]
    stub.audit_run = {}
    page = await open_page(user="ada")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name, (path, pressed, shown) in OPENED.items():
        await page.goto(stub.url + path)
        if pressed:
            await page.locator(pressed).first.click()
        await page.locator(shown).first.wait_for()
        await page.wait_for_load_state("networkidle")
        await page.evaluate(axe)
        for width, scheme in ((375, "light"), (1440, "dark")):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.screenshot(path=RESULTS / f"{name}-{width}-{scheme}.png", full_page=True)
            assert await _violations(page) == [], f"{name}, {width} px, {scheme}"
            assert await page.evaluate(OVERFLOWS) == [], f"{name}, {width} px, {scheme}"


async def test_axe_finds_nothing_while_disconnected(stub: StubApi, open_page: Open, axe: str) -> None:
    stub.alerts = [samples.backlog(time.time())]
    page = await open_page(expected=AWAY)
    await stub.stop()
    await page.locator(".offline").wait_for()
    await page.evaluate(axe)
    assert await _violations(page) == []


def test_everything_together_is_small(static: Path) -> None:
    files = [path for path in static.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    assert len(sizes) >= 5
    assert sum(sizes.values()) <= LIMIT, sizes


def test_nothing_in_the_page_needs_a_looser_policy(static: Path) -> None:
    html = (static / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    for path in static.rglob("*.css"):
        assert re.findall(r"url\(|@font-face|https?:", path.read_text(encoding="utf-8")) == [], path.name


def test_the_lock_names_no_addresses(ui: Path) -> None:
    lock = json.loads((ui / "package-lock.json").read_text(encoding="utf-8"))
    assert len(lock["packages"]) > 50
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []


def test_the_types_are_those_of_the_api(ui: Path) -> None:
    document = subprocess.run(
        [sys.executable, "-m", "services.api.openapi"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    node = hatch_build.find_node(ROOT)
    command = [*node.npm, "run", "--silent", "generate"]
    made = subprocess.run(command, cwd=ui, input=document, capture_output=True, check=True, env={"PATH": node.path})
    mend = (
        "cd services/api/ui && (cd ../../.. && python -m services.api.openapi) | npm run -s generate > src/api-types.ts"
    )
    assert made.stdout.decode() == (ui / "src" / "api-types.ts").read_text(encoding="utf-8"), mend
