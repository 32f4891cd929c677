import os
import subprocess
import sys
import textwrap

from services.supervisor.orphans import Reaper
from services.supervisor.procfs import Identity


def in_a_process(*parts):
    """Run code in a process of its own, for it becomes a subreaper."""
    head = "import os, subprocess, sys, time\nfrom services.supervisor.orphans import *\n"
    script = head + "".join(textwrap.dedent(part) for part in parts)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LEAVES_A_TREE = """
leaver = '''
import os, subprocess, sys
deep = "import os, time; os.setsid(); time.sleep(60)"
middle = "import os, subprocess, sys, time; os.setsid(); "
middle += "subprocess.Popen([sys.executable, '-c', sys.argv[1]]); "
quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
p = subprocess.Popen([sys.executable, '-c', middle + 'time.sleep(60)', deep], **quiet)
print(p.pid, flush=True)
'''
"""


def test_what_a_child_leaves_behind_is_killed_to_the_last_generation():
    out = in_a_process(
        LEAVES_A_TREE,
        """
        become_subreaper()
        child = subprocess.Popen([sys.executable, '-c', leaver], stdout=subprocess.PIPE, start_new_session=True)
        child.stdout.readline()
        child.wait()
        reaper = Reaper()
        while not reaper.sweep():
            time.sleep(0.01)
        while True:
            reaper.sweep()
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                print('none', 'left')
                break
        """,
    )
    assert out == ["none", "left"]


def test_those_that_are_meant_to_live_and_tools_of_our_own_session_are_spared():
    out = in_a_process(
        """
        become_subreaper()
        sleep = [sys.executable, '-c', 'import time; time.sleep(60)']
        meant = subprocess.Popen(sleep, start_new_session=True)
        tool = subprocess.Popen(sleep)
        reaper = Reaper()
        reaper.living.add(meant.pid)
        print(reaper.sweep(), meant.poll(), tool.poll())
        reaper.living.clear()
        print(reaper.sweep(), tool.poll())
        tool.kill()
        """
    )
    assert out == ["0", "None", "None", "1", "None"]


def test_nothing_that_we_did_not_start_is_ever_touched():
    # A stranger with a session of its own, whose parent is not the sweeper.
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        identity = Identity.of(stranger.pid)
        in_a_process("become_subreaper(); assert Reaper().sweep() == 0")
        assert identity.alive()
    finally:
        stranger.kill()
        stranger.wait()


def test_every_orphan_in_the_list_is_a_direct_child():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        found = Reaper()._orphans()
        assert child.pid in {stat.pid for stat in found}
        assert {stat.ppid for stat in found} == {os.getpid()}
    finally:
        child.kill()
        child.wait()
