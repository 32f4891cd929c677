"""`tocsin notify test`: a real message to one contact or receiver."""

import argparse
import asyncio
import getpass
import sys

from services.common.clock import SystemClock
from services.common.config import ConfigError, ConfigFile
from services.common.log import configure_logging
from services.notifier.config import NotifierConfig
from services.notifier.receivers import build_generation
from services.notifier.trial_run import Tried, UnknownNameError, try_out

_FAILED, _UNUSABLE = 1, 2


def run(options: argparse.Namespace) -> int:
    """Send it by every way and tell what became of each; 1: one failed or there is none, 2: it could not be tried."""
    configure_logging("notify", level="warning")
    try:
        tried = asyncio.run(_try(options))
    except (ConfigError, UnknownNameError) as error:
        sys.stderr.write(f"{error.args[0]}\n")
        return _UNUSABLE
    for one in tried:
        became = one.problem or f"delivered{f' ({one.provider_id})' if one.provider_id else ''}"
        sys.stdout.write(f"{one.integration} to {one.recipient}: {became} in {one.seconds:.2f} s\n")
    if not tried:
        sys.stderr.write("there is no channel by which a message could go\n")
    return 0 if tried and not any(one.problem for one in tried) else _FAILED


async def _try(options: argparse.Namespace) -> list[Tried]:
    clock, file = SystemClock(), ConfigFile(options.config)
    settings = file.section("notifier", NotifierConfig)
    generation = await build_generation(settings, base=file.base, external_url=file.shared().external_url, clock=clock)
    async with generation.stack:
        return await try_out(
            generation, clock, contact=options.contact or "", receiver=options.receiver or "", by=getpass.getuser()
        )
