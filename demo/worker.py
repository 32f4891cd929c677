"""The shop's Celery workers and beat: forked from one process, killed and started again by the fault switch."""

import asyncio
import os
import signal
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress

import structlog
from celery.exceptions import SecurityWarning
from redis.asyncio import Redis

from demo.config import DemoSettings
from demo.faults import FaultWatch
from demo.shop.tasks import HEARTBEAT_SECONDS, make_celery
from services.common.clock import SystemClock

log = structlog.get_logger(__name__)


def _run_worker(settings: DemoSettings, number: int) -> None:
    # A demo on a developer's machine or in a container is often root; its tasks come from itself and are JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app = make_celery(settings.broker_url)
    worker = app.Worker(
        hostname=f"w{number}@{socket.gethostname()}",
        pool="solo",
        loglevel="WARNING",
        quiet=True,
        heartbeat_interval=HEARTBEAT_SECONDS,
        without_mingle=True,
        without_gossip=True,
    )
    worker.start()


def _run_beat(settings: DemoSettings) -> None:
    app = make_celery(settings.broker_url)
    app.Beat(loglevel="WARNING", quiet=True, scheduler_cls="celery.beat:Scheduler").run()


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        work()
        status = 0
    finally:
        # Not sys.exit: the parent's event loop and its callbacks must not run again in the child.
        os._exit(status)


class Crew:
    """Keeps the wanted number of workers and one beat alive, or none while the fault is on."""

    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        self._pids: dict[str, int] = {}

    @property
    def pids(self) -> list[int]:
        """The process ids of the living children."""
        return list(self._pids.values())

    def tend(self, *, wanted: bool) -> None:
        """Reap what ended, start what is missing, or kill all."""
        for name, pid in list(self._pids.items()):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                log.warning("worker_ended", worker=name)
                del self._pids[name]
        if not wanted:
            self.kill()
            return
        for number in range(1, self._settings.config.workers + 1):
            if f"w{number}" not in self._pids:
                self._pids[f"w{number}"] = _fork(lambda number=number: _run_worker(self._settings, number))  # type: ignore[misc]  # mypy can't infer a lambda with a default
        if "beat" not in self._pids:
            self._pids["beat"] = _fork(lambda: _run_beat(self._settings))

    def kill(self) -> None:
        """Kill and reap every child, as a crash would."""
        for pid in self._pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self._pids.values():
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._pids.clear()


async def run(settings: DemoSettings) -> None:
    """Run until cancelled."""
    clock, crew = SystemClock(), Crew(settings)
    async with Redis.from_url(settings.redis_url, socket_timeout=2) as redis:
        faults = FaultWatch(redis, clock)
        watch = asyncio.create_task(faults.run())
        try:
            while True:
                crew.tend(wanted=not faults.on("celery"))
                await clock.sleep(0.5)
        finally:
            watch.cancel()
            crew.kill()
