"""`tocsin up`."""

import argparse
import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from services.common.clock import SystemClock
from services.common.config import ConfigError
from services.common.log import configure_logging
from services.supervisor.console import Console
from services.supervisor.datadir import DataDirError
from services.supervisor.disk import low_space
from services.supervisor.effective import Draft
from services.supervisor.family import first_of
from services.supervisor.orphans import become_subreaper
from services.supervisor.overrides import parse_overrides
from services.supervisor.ports import PortsTakenError
from services.supervisor.postgres import EmbeddedServerError
from services.supervisor.up import Plan, Stack, make_plan

if TYPE_CHECKING:
    from services.supervisor.extra import Extra

DEFAULT_CONFIG = Path("tocsin.yml")
_REFUSED = 2


def run(options: argparse.Namespace) -> int:
    """Bring everything up and keep it until Ctrl-C or SIGTERM; 2 when it can't start as configured."""
    console = Console(SystemClock())
    configure_logging("supervisor", level="warning")
    try:
        plan = plan_of(options)
        with plan.data.lock():
            return asyncio.run(_keep_up(plan, console))
    except (ConfigError, DataDirError, EmbeddedServerError, PortsTakenError) as error:
        console.line(f"tocsin can't start:\n{error}")
        return _REFUSED
    except OSError as error:
        console.line(f"tocsin can't start: {error.filename or plan.data.root}: {error.strerror}")
        return _REFUSED


def plan_of(options: argparse.Namespace) -> Plan:
    """Turn the command line into a plan; raises ConfigError, DataDirError, EmbeddedServerError."""
    overrides = parse_overrides(options.set)
    extra: Extra | None = None
    config, data_dir = options.config, options.data_dir
    if options.demo:
        from services.supervisor import demo_stack  # noqa: PLC0415 - the demo is an extra of its own

        extra, config = demo_stack.DemoStack(), config or demo_stack.CONFIG
        data_dir = data_dir or Path(".tocsin")
    config = config or DEFAULT_CONFIG
    if not config.exists():
        raise ConfigError(f"{config}: there is no such file; give one by --config, or try --demo")
    return make_plan(Draft.read(config, overrides, data_dir=data_dir), extra)


async def _keep_up(plan: Plan, console: Console) -> int:
    become_subreaper()
    stop = asyncio.Event()
    stack = Stack(plan, clock=SystemClock(), console=console)

    def ask_to_stop() -> None:
        if stop.is_set():
            console.line("killing what still runs")
            stack.family.hurry()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    loop.add_signal_handler(signal.SIGHUP, stack.reload)
    if (notice := low_space(plan.data.root)) is not None:
        console.notice("disk", notice)
    await stack.clear_the_way()
    try:
        if await first_of(stack.start(), stop):
            await stop.wait()
        console.line("stopping")
    finally:
        await stack.stop()
    console.line("stopped")
    return 0
