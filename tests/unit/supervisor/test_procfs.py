import os
import signal
import subprocess
import sys

from services.supervisor.procfs import Identity, all_stats, read_stat


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_reads_its_own_process():
    stat = read_stat(os.getpid())
    assert (stat.pid, stat.ppid, stat.session) == (os.getpid(), os.getppid(), os.getsid(0))
    assert not stat.dead
    assert stat in list(all_stats())


def test_a_name_with_brackets_and_spaces_is_no_trouble(tmp_path):
    program = tmp_path / "a) (b c"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert read_stat(process.pid).ppid == os.getpid()
    finally:
        process.kill()
        process.wait()


def test_no_process_no_stat():
    assert read_stat(2**22 + 1) is None
    assert Identity.of(2**22 + 1) is None


def test_an_identity_lives_as_long_as_its_process():
    process = sleeper()
    identity = Identity.of(process.pid)
    assert identity.alive()
    assert identity.signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert read_stat(process.pid).dead
    assert not identity.alive()
    process.wait()
    assert not identity.signal(signal.SIGKILL)


def test_a_later_owner_of_the_pid_and_another_boot_are_not_it():
    process = sleeper()
    try:
        identity = Identity.of(process.pid)
        for other in (
            Identity(identity.pid, identity.started - 1, identity.boot),
            Identity(identity.pid, identity.started, "another boot"),
        ):
            assert not other.alive()
            assert not other.signal(signal.SIGKILL)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_init_is_never_signalled():
    assert Identity.of(1).signal(0) is False
