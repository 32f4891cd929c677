"""`tocsin rules check | test | coverage`."""

import argparse
import sys

from services.evaluator.check import check_files
from services.evaluator.rulecheck.inventory import InventoryError, open_inventory
from services.evaluator.rulecheck.report import as_json, as_text, errors_of
from services.evaluator.ruletest.coverage import measure_coverage
from services.evaluator.ruletest.junit import as_junit
from services.evaluator.unit_tests import run_rule_tests

_WRONG, _UNUSABLE = 1, 2


def run(options: argparse.Namespace) -> int:
    """Check rule files, run their unit tests or measure these; 1: something is wrong, 2: it could not be told."""
    return {"check": _check, "test": _test, "coverage": _coverage}[options.action](options)


def _check(options: argparse.Namespace) -> int:
    try:
        token = options.token_file.read_text(encoding="utf-8").strip() if options.token_file else ""
        inventory = open_inventory(options.against, token) if options.against else None
        problems = check_files(options.files, inventory=inventory)
    except (InventoryError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _UNUSABLE
    show = as_json if options.format == "json" else as_text
    sys.stdout.write(f"{show(problems, len(options.files))}\n")
    return _WRONG if errors_of(problems) or (options.strict and problems) else 0


def _test(options: argparse.Namespace) -> int:
    report = run_rule_tests(options.files, lenient=options.ignore_unknown_fields)
    sys.stdout.write(f"{report.text()}\n")
    if options.junit:
        try:
            options.junit.write_bytes(as_junit(report))
        except OSError as error:
            sys.stderr.write(f"{options.junit}: can't be written: {error.strerror}\n")
            return _UNUSABLE
    return 0 if report.passed else _WRONG


def _coverage(options: argparse.Namespace) -> int:
    coverage = measure_coverage(options.files, lenient=options.ignore_unknown_fields)
    sys.stdout.write(f"{coverage.as_json() if options.format == 'json' else coverage.text()}\n")
    if coverage.problems:
        return _UNUSABLE
    return 0 if coverage.percent >= options.min else _WRONG
