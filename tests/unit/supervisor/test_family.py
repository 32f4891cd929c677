import asyncio
import signal
import sys

import pytest

from services.common.clock import SystemClock
from services.supervisor.family import Family, first_of
from services.supervisor.process import Process
from tests.fixtures.waiting import until


def talker(name, tmp_path, **how):
    code = (
        "import pathlib, signal, sys, time\n"
        "def note(word): open(sys.argv[1], 'a').write(f'{sys.argv[2]} {word}\\n')\n"
        "def end(*_): note('ends'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGHUP, lambda *_: note('reloads'))\n"
        "note('up')\nwhile True: time.sleep(60)"
    )
    return Process(name, (sys.executable, "-c", code, str(tmp_path / "notes"), name), **how)


def notes(tmp_path):
    path = tmp_path / "notes"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
async def family(data, console):
    family = Family(data, SystemClock(), console)
    yield family
    family.hurry()
    await family.stop([])


async def test_children_end_in_stages_and_those_not_named_first(family, tmp_path):
    for name in ("postgres", "api", "shop"):
        family.start(talker(name, tmp_path))
    await until(lambda: len(notes(tmp_path)) == 3)
    await family.stop([["api"], ["postgres"], ["never started"]])
    assert notes(tmp_path)[3:] == ["shop ends", "api ends", "postgres ends"]
    assert family.reaper.living == set()


async def test_a_signal_reaches_those_named(family, tmp_path):
    for name in ("api", "redis"):
        family.start(talker(name, tmp_path))
    await until(lambda: len(notes(tmp_path)) == 2)
    family.signal(["api", "unknown"], signal.SIGHUP)
    await until(lambda: "api reloads" in notes(tmp_path))
    assert "redis reloads" not in notes(tmp_path)


async def test_a_hurried_end_kills(family, tmp_path):
    family.start(talker("api", tmp_path))
    await until(lambda: notes(tmp_path) == ["api up"])
    family.hurry()
    await family.stop([["api"]])
    assert notes(tmp_path) == ["api up"]


async def test_a_child_that_waits_for_its_restart_can_be_stopped(family):
    family.start(Process("broken", ("/nowhere",)))
    await until(lambda: family.children["broken"].restarts >= 1)
    await asyncio.wait_for(family.stop([]), 60)


async def test_readiness_is_awaited_and_bounded(family):
    answers = iter(["loading", "loading", ""])

    async def probe():
        return next(answers)

    async def never():
        return "no rules"

    assert await family.wait_ready(Process("a", ("x",), probe=probe), limit=5) == ""
    assert await family.wait_ready(Process("a", ("x",), probe=never), limit=0.1) == "no rules"
    assert await family.wait_ready(Process("a", ("x",)), limit=0) == ""


async def test_first_of_work_and_stop():
    stop = asyncio.Event()
    assert await first_of(asyncio.sleep(0), stop)
    stop.set()
    ended = []

    async def long():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert not await first_of(long(), stop)
    assert ended

    async def fails():
        raise ValueError("why")

    with pytest.raises(ValueError, match="why"):
        await first_of(fails(), asyncio.Event())
