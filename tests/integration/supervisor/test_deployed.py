"""The very commands of docker-compose.yml, on real servers: migrate, the four services, their health checks."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from services.common.config import split_listen
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = ("collector", "evaluator", "notifier", "api")


@pytest.fixture
def place(tmp_path, postgres_dsn, redis_url):
    """What the containers see: /etc/tocsin, the secrets, and `tocsin` on the PATH; ports of their own."""
    etc, secrets, programs = tmp_path / "etc", tmp_path / "secrets", tmp_path / "bin"
    shutil.copytree(ROOT / "deploy/compose/config", etc)
    for folder in (secrets, programs):
        folder.mkdir()
    for name, text in (("postgres_dsn", postgres_dsn), ("redis_url", redis_url), ("service_token", "t" * 43)):
        (secrets / name).write_text(text + "\n")
    tocsin = programs / "tocsin"
    tocsin.write_text(f'#!/bin/sh\nexec {sys.executable} -m services "$@"\n')
    tocsin.chmod(0o755)
    ports = {}
    text = (etc / "tocsin.yml").read_text()
    for service in OURS:
        ports[service] = str(free_port())
        old = split_listen(yaml.safe_load(text)[service]["listen"])[1]
        text = re.sub(rf"\b{service}:{old}\b", f"127.0.0.1:{ports[service]}", text)
        text = text.replace(f"0.0.0.0:{old}", f"127.0.0.1:{ports[service]}")
    (etc / "tocsin.yml").write_text(text.replace("/opt/tocsin", str(ROOT)))
    environ = {
        **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "TOCSIN_SECRETS": str(secrets), "TOCSIN_DATA": str(tmp_path / "data"),
        "TOCSIN_EXTERNAL_URL": "http://127.0.0.1:8080",
    }  # fmt: skip
    return etc, environ, ports


async def start(place, command, log):
    etc, environ, _ = place
    with log.open("a") as output:
        return await asyncio.create_subprocess_exec(*command, cwd=etc, env=environ, stdout=output, stderr=output)


async def test_the_containers_commands_do_what_they_should(place, tmp_path):
    log = tmp_path / "log"
    migrate = await start(place, COMPOSE["migrate"]["command"], log)
    assert await migrate.wait() == 0, log.read_text()
    running = {service: await start(place, COMPOSE[service]["command"], log) for service in OURS}
    try:

        async def healthy(service):
            *words, url = COMPOSE[service]["healthcheck"]["test"][1:]
            check = await start(place, [*words, url.rpartition(":")[0] + f":{place[2][service]}"], tmp_path / "checks")
            return await check.wait() == 0

        for service in OURS:
            await until(lambda service=service: healthy(service))
    finally:
        for process in running.values():
            if process.returncode is None:
                process.terminate()
        ends = [await asyncio.wait_for(process.wait(), 60) for process in running.values()]
    assert ends == [0, 0, 0, 0], log.read_text()
    # The first login, as the first lines of docker-compose.yml say.
    made = re.search(r"compose exec api (tocsin user add .*)", (ROOT / "docker-compose.yml").read_text())[1]
    added = await start(place, made.split(), log)
    assert await added.wait() == 0, log.read_text()
