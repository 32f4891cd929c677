import asyncio
import os
import signal
import sys
from types import ModuleType

import pytest

from services.common.config import ConfigError, StrictModel
from services.supervisor import runner
from services.supervisor.runner import Reloads, run_service
from tests.fixtures.waiting import until


class Section(StrictModel):
    word: str = "x"


class Running:
    port = 1

    def __init__(self):
        self.reloads, self.fail = 0, False

    def ready(self):
        return ""

    async def reload(self):
        self.reloads += 1
        if self.fail:
            raise ConfigError("rules.yml:1:1: bad")


@pytest.fixture
def service(monkeypatch):
    """A service whose `build` tells what it got."""
    module, got = ModuleType("services.fake.app"), {}

    async def build(stack, config, shared, *, clock, base):
        got.update(config=config, shared=shared, base=base, running=Running())
        stack.callback(lambda: got.update(closed=True))
        return got["running"]

    module.build = build
    monkeypatch.setitem(sys.modules, "services.fake.app", module)
    monkeypatch.setattr(runner, "config_model", lambda _name: Section)
    monkeypatch.setattr(runner, "configure_logging", lambda *_args, **_how: None)
    return got


async def test_a_service_runs_until_it_is_told_to_stop_and_closes_what_it_opened(service, tmp_path):
    file = tmp_path / "tocsin.yml"
    file.write_text("log_level: error\n")
    task = asyncio.create_task(run_service("fake", file, None))
    await until(lambda: "running" in service)
    assert service["base"] == tmp_path
    assert service["shared"].log_level == "error"
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: service["running"].reloads == 1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 60)
    assert service["closed"]


async def test_the_base_of_relative_paths_can_be_given(service, tmp_path):
    file = tmp_path / "tocsin.yml"
    file.write_text("")
    task = asyncio.create_task(run_service("fake", file, tmp_path / "elsewhere"))
    await until(lambda: "running" in service)
    assert service["base"] == tmp_path / "elsewhere"
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(task, 60)


async def test_a_failed_reload_stops_nothing(caplog):
    running = Running()
    running.fail = True
    reloads = Reloads(running.reload)
    reloads.ask()
    await reloads.close()
    reloads.ask()
    await reloads.close()
    assert running.reloads == 2


async def test_reloads_come_one_at_a_time_and_once_more_when_asked_meanwhile():
    count, gate = 0, asyncio.Event()

    async def reload():
        nonlocal count
        count += 1
        await gate.wait()

    reloads = Reloads(reload)
    reloads.ask()
    await asyncio.sleep(0)
    for _ in range(5):
        reloads.ask()
    assert count == 1
    gate.set()
    await reloads.close()
    assert count == 2


async def test_closing_without_a_reload_is_fine():
    await Reloads(Running().reload).close()
