import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.supervisor import launch
from services.supervisor.launch import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, LaunchError, parse, reading_capability

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="gives up root, so it needs root")


def run(*options, program=(sys.executable, "-c", "print('ran')"), **how):
    command = [sys.executable, "-I", "-S", launch.__file__, *options, "--", *program]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, **how)


def test_becomes_the_program_with_its_arguments():
    done = run(program=(sys.executable, "-c", "import sys; print(sys.argv[1:])", "--uid", "x y"))
    assert (done.returncode, done.stdout) == (0, "['--uid', 'x y']\n")


def test_a_missing_program_is_named():
    done = run(program=("/nowhere/at-all",))
    assert done.returncode == 126
    assert done.stderr == "/nowhere/at-all can't be started: No such file or directory\n"


@pytest.mark.parametrize(("parent", "code"), [("0", 126), ("999999999", launch.ORPHANED)])
def test_what_keeps_it_from_starting_is_its_exit_code(parent, code, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(launch, "become", lambda *ids, **how: done.append((ids, how)))
    monkeypatch.setattr(launch, "prctl", lambda *words: done.append(words))
    monkeypatch.setattr(launch.signal, "signal", lambda *words: done.append(words))
    assert launch.main(["--uid", "1", "--gid", "2", "--parent", parent, "--", "/nowhere"]) == code
    assert done[0] == ((1, 2), {"pass_closed_folders": False})
    assert ("/nowhere can't be started" in capsys.readouterr().err) == (code == 126)


def test_does_not_start_when_its_supervisor_is_gone():
    done = run("--parent", "999999999")
    assert (done.returncode, done.stdout) == (launch.ORPHANED, "")


def test_starts_under_its_living_supervisor():
    assert run("--parent", str(os.getpid())).stdout == "ran\n"


def test_the_program_is_told_when_its_supervisor_dies(tmp_path):
    # The middle one is killed; the kernel must send the innermost its signal, which it confirms in a file.
    inner = (
        "import pathlib, signal, sys, time\n"
        "def end(*_): pathlib.Path(sys.argv[1]).write_text('told'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(60)"
    )
    middle = (
        "import os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-I', '-S', sys.argv[1], '--parent', str(os.getpid()), '--', sys.executable,"
        " '-c', sys.argv[2], sys.argv[3]])"
    )
    told = tmp_path / "told"
    process = subprocess.Popen(
        [sys.executable, "-c", middle, launch.__file__, inner, str(told)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "up\n"
    process.kill()
    assert process.stdout.read() == ""  # the innermost held the pipe until it ended
    process.wait()
    assert told.read_text() == "told"


def test_a_reload_signal_before_the_program_is_ready_does_not_end_it():
    done = run(program=(sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGHUP); print('alive')"))
    assert done.stdout == "alive\n"


@pytest.mark.parametrize(
    ("permitted", "expected"),
    [
        (1 << CAP_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH),
        (1 << CAP_DAC_OVERRIDE, CAP_DAC_OVERRIDE),
        (1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH),
    ],
)
def test_takes_the_weakest_capability_that_is_enough(permitted, expected):
    assert reading_capability(permitted) == expected


def test_says_when_no_capability_is_enough():
    with pytest.raises(LaunchError, match="closed to other users"):
        reading_capability(0)


def test_a_refused_step_is_named():
    with pytest.raises(LaunchError, match="a step: Invalid argument"):
        launch.prctl("a step", 999_999)


def test_reads_its_options():
    options = parse(["--uid", "1", "--gid", "2", "--pass-closed-folders", "--death-signal", "2", "--", "a", "-b"])
    assert (options.uid, options.gid, options.pass_closed_folders) == (1, 2, True)
    assert (options.death_signal, options.program) == (2, ["a", "-b"])


@ROOT_ONLY
def test_gives_up_root_wholly():
    show = ("/bin/grep", "-E", "^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb)", "/proc/self/status")
    done = run("--uid", "65534", "--gid", "65534", program=show, cwd="/")
    ids, zero = ["65534"] * 4, ["0" * 16]
    told = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    expected = {"Uid:": ids, "Gid:": ids, "Groups:": [], "CapPrm:": zero, "CapEff:": zero, "CapAmb:": zero}
    assert told == expected


@ROOT_ONLY
def test_passes_closed_folders_with_one_capability_and_nothing_more(tmp_path):
    tmp_path.chmod(0o700)
    program = tmp_path / "show"
    program.write_text("#!/bin/sh\ngrep CapEff /proc/self/status; cat $1; touch $2\n")
    program.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("readable\n")
    secret.chmod(0o600)
    target = tmp_path / "written"
    arguments = (str(program), str(secret), str(target))
    refused = run("--uid", "65534", "--gid", "65534", program=arguments, cwd="/")
    assert refused.returncode == 126
    done = run("--uid", "65534", "--gid", "65534", "--pass-closed-folders", program=arguments, cwd="/")
    assert done.stdout == f"CapEff:\t{1 << CAP_DAC_READ_SEARCH:016x}\nreadable\n"
    assert "Permission denied" in done.stderr
    assert not target.exists()


def test_the_wrapper_needs_the_standard_library_alone():
    source = Path(launch.__file__).read_text()
    names = {line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert names <= sys.stdlib_module_names
