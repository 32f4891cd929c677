import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from services.collector.reasons import ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.host.collector import HostCollector, Scene
from services.collector.sources.host.config import COLLECTOR_NAMES, HostTarget, ProcessGroup
from services.collector.sources.host.container import _container
from services.collector.sources.host.devices import _wanted, read_mounts
from services.collector.sources.host.groups import Group, Groups, members
from services.collector.sources.host.machine import _memory, _pressure, read_memory
from services.collector.sources.host.registry import COLLECTORS
from services.collector.sources.host.source import HostSource
from services.common.clock import SystemClock
from services.common.testing.clock import ManualClock

MEMINFO = "MemTotal:       2000 kB\nMemAvailable:    500 kB\nActive(anon):     10 kB\nHugePages_Total:       3\n"
PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
MOUNTS = """/dev/vda / ext4 rw,relatime 0 0
/dev/vdb /data\\040one xfs ro 0 0
server:/x /net nfs4 rw 0 0
overlay /var overlay rw 0 0
/dev/loop1 /snap squashfs ro 0 0
proc /proc proc rw 0 0
"""


def target(**keys: Any) -> HostTarget:
    return HostTarget.model_validate({"name": "here", **keys})


def scene(root: Path, **keys: Any) -> Scene:
    return Scene(target(**keys), Path(), Groups(), 1000.0, root)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ({"processes": [{"name": "a"}]}, "give pid_file, comm or cmdline"),
        ({"processes": [{"name": "a", "comm": "x"}, {"name": "a", "comm": "y"}]}, "same name"),
        ({"processes": [{"name": "a", "cmdline": "("}]}, "not a regular expression"),
        ({"collectors": {"disk": {}}}, "no collector 'disk'; there are: cpu"),
    ],
)
def test_mistakes_are_named(keys: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        target(**keys)


def test_every_collector_can_be_switched() -> None:
    assert sorted(COLLECTOR_NAMES) == sorted(one.name for one in COLLECTORS)


def test_memory_under_node_exporters_names() -> None:
    assert read_memory(MEMINFO) == {
        "MemTotal_bytes": 2_048_000, "MemAvailable_bytes": 512_000, "Active_anon_bytes": 10_240, "HugePages_Total": 3,
    }  # fmt: skip


def test_memory_without_proc(tmp_path: Path) -> None:
    sheet = Sheet()
    _memory(scene(tmp_path), sheet)
    assert sheet.value("node_memory_MemTotal_bytes") == psutil.virtual_memory().total
    assert sheet.value("node_memory_SwapTotal_bytes") == psutil.swap_memory().total


def test_pressure(tmp_path: Path) -> None:
    sheet = Sheet()
    _pressure(scene(tmp_path), sheet)
    assert sheet.names() == set()
    write(tmp_path, {f"proc/pressure/{what}": PRESSURE for what in ("cpu", "io", "memory")})
    _pressure(scene(tmp_path), sheet)
    assert sheet.value("node_pressure_cpu_waiting_seconds_total") == 2.5
    assert sheet.value("node_pressure_memory_stalled_seconds_total") == 7e-6
    assert len(sheet.names()) == 5


def test_mounts() -> None:
    found = read_mounts(MOUNTS)
    assert found[1] == ("/dev/vdb", "/data one", "xfs", True)
    assert [place for _, place, _, _ in _wanted(scene(Path("/")), found)] == ["/", "/data one"]
    named = _wanted(scene(Path("/"), mount_points=["/net"]), found)
    assert [place for _, place, _, _ in named] == ["/", "/data one", "/net"]
    assert len(_wanted(scene(Path("/"), max_series=1), found)) == 1


def test_memory_of_the_machine_and_of_a_container(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": MEMINFO})
    sheet = Sheet()
    _container(scene(tmp_path), sheet)
    assert sheet.value("host_memory_limit_bytes") == 2_048_000
    assert sheet.value("host_memory_used_ratio") == 0.75
    write(tmp_path, {
        "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cgroup.controllers": "", "sys/fs/cgroup/memory.max": "1000000",
        "sys/fs/cgroup/memory.current": "900000", "sys/fs/cgroup/memory.stat": "inactive_file 100000\n",
        "sys/fs/cgroup/cpu.max": "200000 100000", "sys/fs/cgroup/cpu.stat": "usage_usec 9\nnr_periods 4\n",
    })  # fmt: skip
    inside = Sheet()
    _container(scene(tmp_path), inside)
    assert inside.value("host_memory_limit_bytes") == 1_000_000
    assert inside.value("host_memory_used_ratio") == 0.8
    assert inside.value("container_spec_cpu_limit") == 2
    assert inside.value("container_cpu_cfs_periods_total") == 4


def test_a_groups_counters_do_not_go_back_when_a_process_ends() -> None:
    group = Group()
    assert group.count({(1, 0.0): {"user": 5.0}, (2, 0.0): {"user": 1.0}}) == {"user": 6.0}
    assert group.count({(2, 0.0): {"user": 2.0}}) == {"user": 7.0}
    # The number of the ended one comes again.
    assert group.count({(2, 0.0): {"user": 2.0}, (1, 9.0): {"user": 0.5}}) == {"user": 7.5}


def test_who_belongs_to_a_group(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code, "tocsin-mark"], stdin=subprocess.PIPE) as process:
        try:
            while not psutil.Process(process.pid).children():
                pass
            found = Groups().processes(0.0)
            (tmp_path / "pid").write_text(f"{process.pid}\n")

            def pids(**keys: Any) -> set[int]:
                group = ProcessGroup.model_validate({"name": "g", **keys})
                return {one.pid for one in members(group, found, tmp_path)}

            assert pids(pid_file="pid") == {process.pid}
            assert pids(cmdline="tocsin-mark$") == {process.pid}
            assert len(pids(cmdline="tocsin-mark$", children=True)) == 2
            assert process.pid in pids(comm=psutil.Process(process.pid).name())
            assert pids(pid_file="pid", comm="another") == set()
            assert pids(pid_file="missing") == set()
        finally:
            assert process.stdin is not None
            process.stdin.close()


def test_a_process_is_looked_at_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = psutil.Process.cmdline
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: asked.append(self.pid) or real(self))
    groups = Groups()
    groups.processes(1000.0)
    before = asked.count(os.getpid())
    groups.processes(1030.0)
    assert (before, asked.count(os.getpid())) == (1, 1)
    groups.processes(1061.0)
    assert asked.count(os.getpid()) == 2


def make(*collectors: HostCollector, **keys: Any) -> HostSource:
    return HostSource(target(**keys), SystemClock(), Path(), collectors)


async def test_what_can_not_be_read_does_not_stop_the_others() -> None:
    def broken(_scene: Scene, sheet: Sheet) -> None:
        sheet.gauge("half", "", 1)
        raise PermissionError("no")

    sheet = Sheet()
    source = make(HostCollector("cpu", broken), HostCollector("stat", lambda _, sheet: sheet.gauge("whole", "", 1)))
    await source.collect(sheet, 5.0)
    assert sheet.value("node_scrape_collector_success", collector="cpu") == 0
    assert sheet.value("node_scrape_collector_success", collector="stat") == 1
    assert "half" not in sheet.names()
    assert sheet.value("whole") == 1


async def test_a_hung_file_system_keeps_one_thread_and_no_more() -> None:
    free = threading.Event()
    source = make(
        HostCollector("cpu", lambda _, sheet: sheet.gauge("first", "", 1)),
        HostCollector("filesystem", lambda _scene, _sheet: free.wait(30) and None),
    )
    before = threading.active_count()
    sheet = Sheet()
    with pytest.raises(TimeoutError):
        await source.collect(sheet, 0.05)
    assert sheet.value("first") == 1
    with pytest.raises(ScrapeError, match="still waits"):
        await source.collect(Sheet(), 0.05)
    assert threading.active_count() == before + 1
    free.set()
    assert await asyncio.to_thread(source._ended.wait, 10)
    await source.collect(Sheet(), 5.0)


async def test_switches_and_intervals() -> None:
    calls: list[str] = []
    clock = ManualClock()
    collectors = [HostCollector(name, lambda _, __, name=name: calls.append(name)) for name in ("cpu", "stat", "uname")]
    keys = {"collectors": {"cpu": {"enabled": False}, "uname": {"min_interval": "1m"}}}
    source = HostSource(target(**keys), clock, Path(), collectors)
    for _ in range(3):
        await source.collect(Sheet(), 5.0)
    assert calls == ["stat", "uname", "stat", "stat"]


async def test_this_machine() -> None:
    sheet = Sheet()
    groups = [{"name": "tests", "cmdline": "pytest"}, {"name": "none", "comm": "no such program"}]
    source = HostSource(target(processes=groups), SystemClock(), Path())
    await source.collect(sheet, 20.0)
    failed = [row for row in sheet.families["node_scrape_collector_success"].rows if row[2] != "1"]
    assert failed == []
    wanted = """node_cpu_seconds_total node_load1 node_memory_MemTotal_bytes node_memory_MemAvailable_bytes
        node_filesystem_avail_bytes node_filesystem_size_bytes node_filesystem_files_free
        node_network_receive_bytes_total
        node_boot_time_seconds node_time_seconds node_context_switches_total node_uname_info node_filefd_allocated
        node_procs_running node_forks_total host_memory_used_ratio node_network_up"""
    assert set(wanted.split()) - sheet.names() == set()
    assert sheet.value("namedprocess_namegroup_num_procs", groupname="tests") >= 1
    assert sheet.value("namedprocess_namegroup_num_procs", groupname="none") == 0
    assert sheet.value("namedprocess_namegroup_cpu_seconds_total", groupname="tests", mode="user") > 0
    assert sheet.value("namedprocess_namegroup_memory_bytes", groupname="tests", memtype="resident") > 0
    source.down(sheet, "timeout")
