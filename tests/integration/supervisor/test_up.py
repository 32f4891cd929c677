"""`tocsin up` as a person runs it, without the demo: real servers and services, on free ports."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from services.supervisor.procfs import read_stat
from services.supervisor.recovery import MARK, read_pid_file
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until
from tests.integration.collector.certs import make

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]
PORTS = (
    "api.listen", "collector.listen", "evaluator.listen", "notifier.listen",
    "embedded.postgres_listen", "embedded.redis_listen",
)  # fmt: skip
CONFIG = """
notifier:
  config:
    route: {receiver: none}
    receivers: [{name: none}]
"""


class Up:
    """One data folder and the `tocsin up` runs on it."""

    def __init__(self, home):
        self.home, self.data = home, home / "data"
        self.config = home / "tocsin.yml"
        self.config.write_text(CONFIG)
        self.settings = {name: f"127.0.0.1:{free_port()}" for name in PORTS}
        self.process = None

    def command(self, *words):
        sets = [f"--set={key}={value}" for key, value in self.settings.items()]
        return [sys.executable, "-m", "services", "up", "--config", self.config, "--data-dir", self.data, *sets, *words]

    def environ(self):
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    @property
    def output(self):
        return (self.home / "output").read_text()

    def launch(self):
        with (self.home / "output").open("w") as output:
            how = {"cwd": self.home, "env": self.environ(), "stdout": output, "stderr": output}
            self.process = subprocess.Popen(self.command(), **how)

    async def start(self):
        self.launch()

        def up():
            assert self.process.poll() is None, self.output
            return "Tocsin is up" in self.output

        await until(up, seconds=120)
        return self.output

    def refused(self, *words):
        done = subprocess.run(
            self.command(*words),
            cwd=self.home,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)

    def pid(self, name):
        record = read_pid_file(self.data / "run" / f"{name}.pid")
        return record[0].pid if record and record[0].alive() else None

    def left(self):
        """Processes that bear this folder's mark, or whose command line names it."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                marked = f"{MARK}={self.data}".encode() in (entry / "environ").read_bytes().split(b"\0")
                named = str(self.data).encode() in (entry / "cmdline").read_bytes()
            except OSError:
                continue
            stat = read_stat(int(entry.name))
            if (marked or named) and stat is not None and not stat.dead:
                found.append(int(entry.name))
        return found


@pytest.fixture
def up(tmp_path):
    one = Up(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.stop()
    for pid in one.left():
        os.kill(pid, signal.SIGKILL)


async def test_first_start_second_start_and_kills(up):
    """One story, for each start costs seconds."""
    first = await up.start()
    assert "made a new database cluster" in first
    assert "Login       admin   password " in first
    assert f"Dashboard   http://{up.settings['api.listen']}" in first
    password = first.partition("password ")[2].split()[0]
    kept = [path for path in up.data.rglob("*") if path.is_file() and path.stat().st_size < 10**6]
    assert not any(password.encode() in path.read_bytes() for path in kept)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (up.data / "secrets").iterdir())

    refused = up.refused()
    assert f"another tocsin (pid {up.process.pid}) uses {up.data}" in refused

    for name in ("collector", "evaluator", "notifier", "api", "redis", "postgres"):
        before = up.pid(name)
        os.kill(before, signal.SIGKILL)
        await until(lambda name=name, before=before: up.pid(name) not in (None, before))
        await until(lambda name=name: f"{name:<12} ready again" in up.output)

    up.process.send_signal(signal.SIGHUP)
    await until(lambda: "asked all services to read their files anew" in up.output)
    await until(lambda: "reloaded" in (up.data / "log" / "notifier.log").read_text())

    assert up.stop(signal.SIGINT) == 0
    assert up.output.endswith("stopping\nstopped\n")
    assert up.left() == []
    assert list((up.data / "run").glob("*.pid")) == []

    second = await up.start()
    assert "Login       as before" in second
    assert "new database cluster" not in second

    up.process.kill()
    up.process.wait()
    # The kernel ends the children; what takes its time is ended by the next start.
    third = await up.start()
    assert "Login       as before" in third
    assert up.stop() == 0
    assert up.left() == []


HTTPS = """
collector: {web_config_file: web/web.yml}
evaluator:
  scrape_configs:
    - job_name: collector
      scheme: https
      tls_config: {ca_file: ca.pem, server_name: tocsin.example}
      scrape_interval: 1s
      static_configs: [{targets: ["${TOCSIN_COLLECTOR}"]}]
"""


async def test_a_collector_with_https_is_ready_scraped_and_asked_and_ends_with_its_killed_supervisor(up):
    authority = make("an authority", authority=True)
    (up.home / "web").mkdir()
    make("tocsin", issuer=authority, hosts=("tocsin.example",)).write(up.home / "web", "own")
    (up.home / "web" / "web.yml").write_text("tls_server_config: {cert_file: own.pem, key_file: own.key}\n")
    authority.write(up.home, "ca")
    up.config.write_text(CONFIG + HTTPS)
    password = (await up.start()).partition("password ")[2].split()[0]
    assert "collector    not ready" not in up.output
    token = {"Authorization": f"Bearer {next(up.data.rglob('service-token')).read_text().strip()}"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:

        async def ask(service, path, **request):
            url, method = f"http://{up.settings[f'{service}.listen']}{path}", "POST" if "json" in request else "GET"
            async with session.request(method, url, **request) as answer:
                return answer.status, await answer.json()

        async def scraped():
            _, page = await ask("evaluator", "/api/v1/targets", headers=token)
            return [(one["health"], one["lastError"]) for one in page["data"]["activeTargets"]] == [("up", "")]

        await until(scraped, seconds=40)
        assert (await ask("api", "/api/auth/login", json={"username": "admin", "password": password}))[0] == 200
        status, page = await ask("api", "/api/admin/monitoring/errors")
        assert (status, page.get("configured")) == (200, False), page
    up.process.kill()
    up.process.wait()
    await until(lambda: up.left() == [])


async def test_an_impatient_person_is_heard(up):
    await up.start()
    up.process.send_signal(signal.SIGINT)
    await until(lambda: "stopping" in up.output)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert up.left() == []


async def test_stopping_while_it_starts_leaves_nothing(up):
    up.launch()
    pid_file = up.data / "run" / "redis.pid"
    await until(pid_file.exists)
    assert up.stop() == 0
    assert up.left() == []


def test_a_taken_port_is_named_before_anything_starts(up):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        up.settings["notifier.listen"] = f"127.0.0.1:{server.getsockname()[1]}"
        told = up.refused()
    assert f"{up.settings['notifier.listen']} is taken by another program" in told
    assert "--set notifier.listen=HOST:PORT" in told
    assert list((up.data / "log").iterdir()) == []
    assert not (up.data / "postgres").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("api:\n  lissten: x\n", "tocsin.yml:2:3: api.lissten: unknown key"),
        ("api: [\n", "tocsin.yml:2:1:"),
        ("external_url: ${NOT_SET_ANYWHERE}\n", "environment variable NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_broken_configuration_names_its_place(up, text, told):
    up.config.write_text(text)
    up.settings = {}
    assert told in up.refused()


def test_what_is_missing_is_told(up):
    up.config.unlink()
    assert "there is no such file; give one by --config, or try --demo" in up.refused()


def test_a_data_folder_that_can_not_be_used_is_told(up):
    up.data.write_text("a file")
    assert "set data_dir to a folder of yours" in up.refused()


def test_the_demo_wants_the_embedded_servers(up):
    up.config.write_text("redis: {url: 'redis://127.0.0.1:1'}\n")
    assert "the demo runs on the embedded servers" in up.refused("--demo")


async def test_servers_of_ones_own_are_used_and_waited_for(up, postgres_dsn, redis_url):
    away = f"127.0.0.1:{free_port()}"
    up.settings = {key: value for key, value in up.settings.items() if not key.startswith("embedded")}
    (up.home / "dsn").write_text(f"postgresql://tocsin@{away}/x")
    up.config.write_text(CONFIG + f"postgres: {{dsn_file: dsn}}\nredis: {{url: '{redis_url}'}}\n")
    up.launch()
    # Paging does without a database: everything is up long before the time that a slow one would get.
    await until(lambda: "Tocsin is up" in up.output)
    assert "trying again" in up.output
    assert "Login       when PostgreSQL answers" in up.output
    assert up.stop() == 0
    (up.home / "dsn").write_text(postgres_dsn)
    first = await up.start()
    assert "migration(s) applied" in first
    assert not (up.data / "postgres").exists()
    assert up.stop() == 0
