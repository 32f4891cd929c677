"""`tocsin routes test FILE…`: who would be told what, when and by what."""

import argparse
import sys

from services.common.log import configure_logging
from services.notifier.rehearsal.run import as_junit, as_text, run_files

_WRONG, _UNUSABLE = 1, 2


def run(options: argparse.Namespace) -> int:
    """Run the tests; 1: one failed, 2: a file can't be used."""
    configure_logging("routes", level="error")
    outcomes = run_files(options.files)
    sys.stdout.write(f"{as_text(outcomes)}\n")
    if options.junit:
        try:
            options.junit.write_bytes(as_junit(outcomes))
        except OSError as error:
            sys.stderr.write(f"{options.junit}: can't be written: {error.strerror}\n")
            return _UNUSABLE
    if any(one.error for one in outcomes):
        return _UNUSABLE
    return 0 if all(one.passed for one in outcomes) else _WRONG
