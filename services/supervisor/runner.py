"""One service as a process of its own: configuration, logs, signals."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Protocol

import structlog

from services.common.clock import SystemClock
from services.common.config import ConfigFile
from services.common.log import configure_logging
from services.supervisor.effective import config_model

log = structlog.get_logger(__name__)


class RunningService(Protocol):
    """What a service's `build` returns."""

    port: int

    def ready(self) -> str:
        """Return "" when it can do its main job."""
        ...

    async def reload(self) -> None:
        """Read its rule and routing files anew."""
        ...


async def run_service(name: str, config: Path, base: Path | None) -> None:
    """Run one service until SIGTERM or SIGINT; SIGHUP has it read its files anew.

    Raises ConfigError and PortTakenError.
    """
    file = ConfigFile(config)
    shared = file.shared()
    configure_logging(name, level=shared.log_level, form=shared.log_format)
    section = file.section(name, config_model(name))
    build = import_module(f"services.{name}.app").build
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        again = {"load": lambda: ConfigFile(config).section(name, config_model(name))} if name == "collector" else {}
        running: RunningService = await build(
            stack, section, shared, clock=SystemClock(), base=base or file.base, **again
        )
        reloads = Reloads(running.reload)
        loop.add_signal_handler(signal.SIGHUP, reloads.ask)
        log.info("started", port=running.port)
        await stop.wait()
        log.info("stopping")
        await reloads.close()


class Reloads:
    """Runs one reload at a time, and one more when asked meanwhile."""

    def __init__(self, reload: Callable[[], Awaitable[None]]) -> None:
        self._reload = reload
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ask(self) -> None:
        """Reload now, or once more after the one that runs."""
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Wait for the reload that runs."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while True:
            self._again = False
            try:
                await self._reload()
                log.info("reloaded")
            except Exception as error:  # noqa: BLE001 - one for the task: a failed reload must not end the service
                log.error("reload_failed", error=error)  # noqa: TRY400 - the message names file and line; no traceback
            if not self._again:
                return
