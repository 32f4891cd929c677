"""`tocsin check-config FILE`."""

import argparse
import os
import sys

from services.common.config import ConfigError
from services.supervisor.effective import Draft, service_variables
from services.supervisor.named_files import check_named_files
from services.supervisor.overrides import parse_overrides


def run(options: argparse.Namespace) -> int:
    """Check every section of the file; 1 when something is wrong, each mistake on a line of its own."""
    try:
        draft = Draft.read(options.file, parse_overrides(options.set))
        config = draft.validate({**os.environ, **service_variables(draft.listens(), draft.shared.data_dir)})
        warnings = check_named_files(config, base=draft.base)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(f"{options.file}: good\n")
    return 0
