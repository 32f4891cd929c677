"""scripts/setup.sh and scripts/chromium.sh with stand-ins for the programs that they call."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = ("sh", "cat", "cut", "dirname", "grep", "pwd", "rm", "sha256sum", "basename", "mkdir", "id", "env")


@pytest.fixture
def box(tmp_path):
    """A checkout with the script alone, and a PATH with nothing but small tools."""
    (tmp_path / "scripts").mkdir()
    for name in ("setup.sh", "chromium.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    for name in ("requirements/run.txt", "requirements/dev.txt", "pyproject.toml", "client/pyproject.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a==1\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        if (found := shutil.which(tool)) is not None:
            (tools / tool).symlink_to(found)
    return tmp_path


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(box, script, *words, **env):
    return subprocess.run(
        [box / "bin" / "sh", f"scripts/{script}", *words],
        cwd=box, env={"PATH": str(box / "bin"), **env}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


# A Python that tells its version and passes the script's questions; `-m venv DIR` makes a copy of itself there.
GOOD = """
calls="{log}"; echo "$(basename "$0") $*" >>"$calls"
case "$*" in
  -V) echo "Python 3.12.1" ;;
  *"sys.prefix"*) echo "{box}/.venv" ;;
  *"-m venv"*) mkdir -p .venv/bin; cat "$0" >.venv/bin/python; /bin/chmod +x .venv/bin/python ;;
esac
exit 0
"""


def good(box):
    return GOOD.format(log=box / "calls", box=box)


def calls(box):
    path = box / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_an_old_python_is_named(box):
    program(box / "bin" / "python3", 'case "$*" in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    done = run(box, "setup.sh", "run")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer and found Python 3.9.2" in done.stderr
    assert not (box / ".venv").exists()


def test_no_python_at_all_is_told(box):
    done = run(box, "setup.sh", "run")
    assert done.returncode == 1
    assert "found no Python" in done.stderr


def test_a_newer_python_beside_an_old_one_is_found(box):
    program(box / "bin" / "python3", 'case "$*" in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    program(box / "bin" / "python3.12", good(box))
    done = run(box, "setup.sh", "run")
    assert done.returncode == 0, done.stderr
    assert any(call.startswith("python3.12 -m venv") for call in calls(box))


def test_a_python_without_ensurepip_names_the_package(box):
    answers = '-V) echo "Python 3.11.2" ;; *ensurepip*) exit 1 ;; *python%d*) echo python3.11 ;;'
    program(box / "bin" / "python3", f'case "$*" in {answers} esac; exit 0')
    done = run(box, "setup.sh", "run")
    assert done.returncode == 1
    assert "Python 3.11.2 comes without ensurepip and venv" in done.stderr
    assert "apt-get install python3.11-venv" in done.stderr


def test_everything_is_installed_by_hash_and_only_once(box):
    program(box / "bin" / "python3", good(box))
    first = run(box, "setup.sh", "run")
    assert first.returncode == 0, first.stderr
    text = "\n".join(calls(box))
    assert "--require-hashes -r requirements/run.txt" in text
    assert "--no-deps --no-build-isolation --no-index --editable . --editable ./client" in text
    (box / "calls").unlink()
    second = run(box, "setup.sh", "run")
    assert second.returncode == 0
    assert "pip" not in "\n".join(calls(box))
    assert calls(box)[-1].endswith("hatch_build.py"), "the dashboard has a digest of its own"


def test_a_changed_lock_is_installed_again_and_the_tests_environment_serves_both(box):
    program(box / "bin" / "python3", good(box))
    run(box, "setup.sh", "dev")
    (box / "calls").unlink()
    run(box, "setup.sh", "run")
    assert "pip" not in "\n".join(calls(box))
    (box / "requirements" / "run.txt").write_text("a==2\n")
    run(box, "setup.sh", "run")
    assert "pip" in "\n".join(calls(box))


def test_a_failed_install_is_told_and_not_taken_for_done(box):
    failing = good(box).replace('*"-m venv"*)', '*require-hashes*) exit 1 ;;\n  *"-m venv"*)')
    program(box / "bin" / "python3", failing)
    done = run(box, "setup.sh", "run")
    assert done.returncode == 1
    assert "is pip's package index reachable" in done.stderr
    assert not list((box / ".venv").glob(".tocsin-*"))


def test_an_unknown_kind_is_refused(box):
    assert run(box, "setup.sh", "prod").returncode == 2


def test_a_chromium_that_is_there_is_taken(box):
    program(box / "bin" / "chromium", "exit 0")
    done = run(box, "chromium.sh")
    assert (done.returncode, done.stderr) == (0, "")


def test_root_on_debian_gets_one(box):
    (box / "bin" / "id").unlink()
    program(box / "bin" / "id", "echo 0")
    program(box / "bin" / "apt-get", f'echo "$*" >>{box}/apt')
    done = run(box, "chromium.sh")
    assert done.returncode == 0
    assert (box / "apt").read_text().splitlines() == ["update -qq", "install -y -qq --no-install-recommends chromium"]


def test_others_are_told_how(box):
    (box / "bin" / "id").unlink()
    program(box / "bin" / "id", "echo 1000")
    done = run(box, "chromium.sh")
    assert done.returncode == 0
    assert "sudo apt-get install chromium" in done.stderr


def test_an_install_that_fails_is_told(box):
    (box / "bin" / "id").unlink()
    program(box / "bin" / "id", "echo 0")
    program(box / "bin" / "apt-get", "exit 100")
    done = run(box, "chromium.sh")
    assert done.returncode == 0
    assert "will be skipped" in done.stderr


@pytest.mark.parametrize("script", ["scripts/setup.sh", "scripts/chromium.sh", "deploy/compose/secrets.sh", ".ci/run"])
def test_scripts_parse_and_can_be_run(script):
    shell = "bash" if script == ".ci/run" else "sh"
    subprocess.run([shell, "-n", ROOT / script], check=True)
    assert script == "deploy/compose/secrets.sh" or os.access(ROOT / script, os.X_OK)
