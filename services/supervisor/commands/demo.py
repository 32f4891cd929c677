"""`tocsin demo break | heal`."""

import argparse
import asyncio
import sys

from redis.exceptions import RedisError

from demo.config import DemoSettings
from demo.faults import FAULTS, UnknownFaultError, set_fault
from services.supervisor.demo_stack import SETTINGS_FILE


def run(options: argparse.Namespace) -> int:
    """Cause or end a real fault in the running demo; without a name list what can be broken. 1 when that failed."""
    if not options.fault:
        rows = [f"  {fault.name:<16} {fault.does} (expect {fault.alert})" for fault in FAULTS]
        sys.stdout.write("\n".join(rows) + "\n")
        return 0
    path = options.data_dir / "run" / SETTINGS_FILE
    try:
        settings = DemoSettings.read(path)
        fault = asyncio.run(set_fault(settings.redis_url, options.fault, broken=options.action == "break"))
    except FileNotFoundError:
        sys.stderr.write(f"no demo has run with {options.data_dir}; start it: tocsin up --demo\n")
        return 1
    except UnknownFaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (RedisError, OSError) as error:
        sys.stderr.write(f"the demo's Redis does not answer ({error}); is `tocsin up --demo` running?\n")
        return 1
    told = (
        f"broke {fault.name}: {fault.does}; expect {fault.alert}"
        if options.action == "break"
        else f"healed {fault.name}"
    )
    sys.stdout.write(f"{told}\n")
    return 0
