"""The whole system as a user starts it: `tocsin up --demo` in a folder of its own, on free ports."""

import asyncio
import json
import os
import re
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 180
# Untraced: a dozen processes under a tracer on two cores are slow enough to raise alerts of their own.
ENV = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
ENV["PYTHONPATH"] = f"{ROOT}:{ROOT / 'client' / 'src'}"
AWAY = (aiohttp.ClientError, AssertionError, TimeoutError)


@dataclass
class System:
    """One running `tocsin up`; every wait in it is bounded."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    config: Path | None = None
    """A configuration without the demo."""
    demo_config: Path | None = None
    """A configuration with the demo, in place of the demo's own."""
    process: asyncio.subprocess.Process | None = None
    output: list[str] = field(default_factory=list)
    password: str = ""
    session: aiohttp.ClientSession | None = None
    csrf: str = ""

    def __post_init__(self):
        names = ("api.listen", "collector.listen", "evaluator.listen", "notifier.listen")
        names += ("embedded.postgres_listen", "embedded.redis_listen")
        if self.config is None:
            names += ("demo.shop_listen", "demo.inbox_listen", "demo.smtp_listen", "demo.gateway_listen")
            for key in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
                self.settings.setdefault(f"evaluator.global.{key}", "1s")
        for name in names:
            self.settings.setdefault(name, f"127.0.0.1:{free_port()}")

    @property
    def data_dir(self):
        return self.home / "data"

    def url(self, name, path=""):
        return f"http://{self.settings[name]}{path}"

    def command(self, *arguments):
        return [sys.executable, "-m", "services", *arguments]

    async def start(self):
        argv = self.command("up", "--data-dir", str(self.data_dir))
        if self.config is None:
            argv.append("--demo")
        if given := self.config or self.demo_config:
            argv += ["--config", str(given)]
        for key, value in self.settings.items():
            argv += ["--set", f"{key}={value}"]
        self.process = await asyncio.create_subprocess_exec(
            *argv, cwd=self.home, env=ENV, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        ready = asyncio.Event()
        self.reader = asyncio.create_task(self._read(ready))
        finished = asyncio.create_task(self.process.wait())
        waiting = asyncio.create_task(ready.wait())
        done, _ = await asyncio.wait({finished, waiting}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        assert waiting in done, "did not start:\n" + "\n".join(self.output)
        return self

    async def _read(self, ready):
        async for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.output.append(line)
            if match := re.search(r"password:?\s+(\S{12,})", line, re.IGNORECASE):
                self.password = match[1]
            # The last line of the welcome; a scrape that came before the API listened names its address, too.
            if line.lstrip().startswith("Login "):
                ready.set()

    async def stop(self):
        if self.session is not None:
            await self.session.close()
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 60)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
                raise
        await self.reader

    async def login(self):
        self.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=30)
        )
        body = {"username": "admin", "password": self.password}
        async with self.session.post(self.url("api.listen", "/api/auth/login"), json=body) as answer:
            assert answer.status == 200, await answer.text()
            self.csrf = (await answer.json())["csrf_token"]
        return self

    async def get(self, path, **params):
        url = self.url("api.listen", f"/api/admin/monitoring/{path}")
        async with self.session.get(url, params=params) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def text(self, listen, path, **params):
        """Ask one of the services, with the service token; return the body."""
        token = (self.data_dir / "secrets" / "service-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.get(self.url(listen, path), params=params, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def query(self, expression):
        """Return the result of an instant query."""
        body = json.loads(await self.text("evaluator.listen", "/api/v1/query", query=expression))
        return body["data"]["result"]

    async def acknowledge(self, alert_id, comment=""):
        url = self.url("api.listen", f"/api/admin/monitoring/alerts/{alert_id}/acknowledge")
        headers = {"X-CSRF-Token": self.csrf}
        async with self.session.post(url, json={"comment": comment}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def run(self, *arguments, code=0):
        """Run one `tocsin` command beside the running system; return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments), cwd=self.home, env=ENV,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        text, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == code, text.decode()
        return text.decode()

    async def demo(self, action, fault):
        return await self.run("demo", action, fault, "--data-dir", str(self.data_dir))

    async def inbox(self):
        """Every message so far, oldest first."""
        url = self.url("demo.inbox_listen", "/messages")
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return list(reversed(await answer.json()))

    async def mails(self, *words):
        def has_all(message):
            return all(word in message["subject"] + message["text"] for word in words)

        return [message for message in await self.inbox() if message["channel"] == "email" and has_all(message)]

    async def active(self, name):
        """The active alert of that name, or None; also None while the API restarts."""
        try:
            alerts = (await self.get("alerts/active"))["alerts"]
        except AWAY:
            return None
        return next((alert for alert in alerts if alert["name"] == name), None)

    async def fires(self, name, seconds=120):
        async def firing():
            return await self.active(name)

        firing.__name__ = f"{name} fires"
        await until(firing, seconds=seconds, every=0.2)
        return await self.active(name)

    async def resolves(self, name, seconds=180):
        async def gone():
            try:
                alerts = (await self.get("alerts/active"))["alerts"]
            except AWAY:
                return False
            return all(alert["name"] != name for alert in alerts)

        gone.__name__ = f"{name} resolves"
        await until(gone, seconds=seconds, every=0.2)

    def pids(self, *words, of=None):
        """Ids of processes whose command line names this system's folder (or `of`) and has all the words."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                text = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if (of or str(self.data_dir)) in text and all(word in text for word in words):
                found.append(int(folder.name))
        return sorted(found)

    async def watching(self):
        """Every component has a status, all services are ready, and no alert is active."""
        try:
            health = await self.get("health/services")
            alerts = (await self.get("alerts/active"))["alerts"]
        except AWAY:
            return False
        known = all(component["status"] != "unknown" for component in health["components"])
        return known and not health["missing_services"] and not alerts
