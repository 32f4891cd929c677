"""`tocsin collector | evaluator | notifier | api`."""

import argparse
import sys

import uvloop

from services.common.config import ConfigError
from services.common.web import PortTakenError
from services.supervisor.runner import run_service

_REFUSED = 2


def run(options: argparse.Namespace) -> int:
    """Run one service until it is told to stop; 2 when it can't start as configured."""
    try:
        uvloop.run(run_service(options.command, options.config, options.base))
    except (ConfigError, PortTakenError) as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    return 0
