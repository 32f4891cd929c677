"""Programs that a benchmark starts: where they listen, and that they end with it."""

import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path

import psutil

from bench.processes import HOST, free_port, own_host, start

_BOUND = 60.0
_ONE_THAT_STARTS_ANOTHER = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
from bench.processes import start

async def main():
    async with AsyncExitStack() as stack:
        child = start(stack, "child", [sys.executable, "-c", "import time; time.sleep(600)"], Path(sys.argv[1]))
        print(child.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_each_process_has_an_address_of_the_loopback_for_its_servers():
    hosts = [own_host(pid) for pid in (1, 249, 250, 251, 255, 256, 62_499, 62_500, 65_536, 4_194_304)]
    assert all(ip_address(host).is_loopback for host in hosts)
    assert len(set(hosts)) == len(hosts)
    with socket.create_server((HOST, free_port(HOST))) as server:
        assert server.getsockname()[0] == HOST


async def test_a_program_named_without_its_folder_is_found_and_started_again(tmp_path):
    async with AsyncExitStack() as stack:
        side = start(stack, "sleeper", ["sleep", "600"], tmp_path)
        first = side.process.pid
        side.kill()
        side.start_again()
        assert side.process.pid != first
        assert side.process.poll() is None
    assert side.process.poll() is not None


def test_nothing_stays_behind_when_the_benchmark_is_killed(tmp_path):
    root = Path(__file__).parents[3]
    bench = subprocess.Popen(
        [sys.executable, "-c", _ONE_THAT_STARTS_ANOTHER, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert bench.stdout is not None
    child = psutil.Process(int(bench.stdout.readline()))
    bench.send_signal(signal.SIGKILL)
    bench.wait()
    bench.stdout.close()
    psutil.wait_procs([child], _BOUND)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
