"""Judges promtool's unit-test files (a folder with a manifest of promtool's own verdicts) with our `rules test`."""

import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.evaluator.unit_tests import run_rule_tests

KNOWN = {
    # Verdicts of promtool 2.42 that Prometheus 3 would give otherwise, as it leaves out the left end of ranges and of
    # the look-back. Here the last sample is exactly five minutes old at the moment of the test (24m).
    "etcd--test--01.test.yml": "look-back open at its left end since Prometheus 3.0",
    # changes(x[5m]) over a sample each five minutes: two samples and one change in 2.42, one sample and none since.
    "openshift-cmo--bz1974830--04.test.yml": "ranges open at their left end since Prometheus 3.0",
    # Newer Go than promtool 2.42's (1.19) adds the types to the error's text: `: float64 and int`.
    "own--template-err-gt-types--00.test.yml": "the text of Go's error",
}
"""Files that we judge otherwise than the manifest, and why."""


@dataclass(frozen=True)
class Verdict:
    """How one file was judged."""

    file: str
    expected: str
    found: str
    text: str

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


def judge(folder: Path, entry: dict[str, Any]) -> Verdict:
    """Run one file; keys that are not known are read over only where promtool was told to."""
    report = run_rule_tests([folder / entry["file"]], lenient="ignore_unknown_fields" in entry["needs"])
    return Verdict(entry["file"], entry["expected"], "pass" if report.passed else "fail", report.text())


def judge_all(folder: Path) -> Iterator[Verdict]:
    """Run all files of a pack, a process per core."""
    entries = json.loads((folder / "manifest.json").read_text())
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(judge, [folder] * len(entries), entries, chunksize=4)
