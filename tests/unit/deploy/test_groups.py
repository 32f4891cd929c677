"""Tests of one group run in one process, one after the other; those that failed are found again by their ids."""

import subprocess
import sys

import pytest

from scripts.failed import CACHE, main, without_group

_GROUPED = """
import os
import pytest

@pytest.mark.xdist_group("servers")
@pytest.mark.parametrize("number", range(4))
def test_one(number, tmp_path_factory):
    (tmp_path_factory.getbasetemp().parent / f"seen-{os.getpid()}").touch()

@pytest.mark.xdist_group("servers")
@pytest.mark.parametrize("number", range(2))
def test_fails(number):
    assert number
"""


@pytest.mark.parametrize(
    ("nodeid", "plain"),
    [
        ("a/test_b.py::test_c", "a/test_b.py::test_c"), ("a/test_b.py::test_c@e2e", "a/test_b.py::test_c"),
        ("t.py::test_c[x@y]", "t.py::test_c[x@y]"), ("t.py::test_c[x@y]@e2e", "t.py::test_c[x@y]"),
    ],
)  # fmt: skip
def test_a_group_is_no_part_of_an_id(nodeid, plain):
    assert without_group(nodeid) == plain


def test_groups_hold_and_failures_are_found_again(tmp_path, monkeypatch, capsys):
    (tmp_path / "test_grouped.py").write_text(_GROUPED)
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path / 'base'}"]
    spread = subprocess.run(
        [*command, "-n", "2", "--dist", "loadgroup"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "1 failed, 5 passed" in spread.stdout, spread.stdout + spread.stderr
    assert len(list((tmp_path / "base").rglob("seen-*"))) == 1, "tests of one group ran in several processes"
    monkeypatch.chdir(tmp_path)
    assert main() == 0
    (tmp_path / "failed").write_text(capsys.readouterr().out)
    again = subprocess.run(
        [*command, "@failed"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert "1 failed" in again.stdout
    assert "passed" not in again.stdout


def test_without_failures_there_is_nothing_to_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main() == 1
    assert capsys.readouterr().out.strip() == ""
    assert not CACHE.exists()
