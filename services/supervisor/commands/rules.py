"""`tocsin rules check | test`."""

import argparse
import sys

from services.evaluator.check import check_files
from services.evaluator.unit_tests import run_rule_tests


def run(options: argparse.Namespace) -> int:
    """Check rule files, or run unit tests of rules; 1 when something is wrong (a warning alone is not)."""
    if options.action == "test":
        report = run_rule_tests(options.files)
        sys.stdout.write(f"{report.text()}\n")
        return 0 if report.passed else 1
    problems = check_files(options.files)
    for problem in problems:
        sys.stdout.write(f"{problem.severity}: {problem}\n")
    errors = sum(problem.severity == "error" for problem in problems)
    sys.stdout.write(f"{len(options.files)} file(s), {errors} error(s), {len(problems) - errors} warning(s)\n")
    return 1 if errors else 0
