"""Chosen processes, under the names of process-exporter: `namedprocess_namegroup_*{groupname}`."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from services.collector.sheet import Sheet
from services.collector.sources.host.collector import HostCollector, Scene
from services.collector.sources.host.groups import Group, Used, members

_PREFIX = "namedprocess_namegroup_"
_MOST_MEMBERS = 500


def _used(process: psutil.Process) -> Used:
    times = process.cpu_times()
    used = {"user": times.user, "system": times.system}
    with suppress(psutil.Error, AttributeError):
        # Another user's process does not let itself be asked.
        io = process.io_counters()
        used |= {"read_bytes_total": float(io.read_bytes), "write_bytes_total": float(io.write_bytes)}
    return used


def _processes(scene: Scene, sheet: Sheet) -> None:
    if not scene.target.processes:
        return
    processes = scene.groups.processes(scene.now)
    for group in scene.target.processes:
        found = list(members(group, processes, scene.base))[:_MOST_MEMBERS]
        _write(sheet, group.name, found, scene.groups.sums.setdefault(group.name, Group()))


def _write(sheet: Sheet, name: str, processes: Iterable[psutil.Process], group: Group) -> None:
    now: dict[tuple[int, float], Used] = {}
    gauges = {"num_procs": 0.0, "num_threads": 0.0, "open_filedesc": 0.0}
    memory = {"resident": 0.0, "virtual": 0.0}
    oldest: float | None = None
    for process in processes:
        # A process may end while it is looked at.
        with suppress(psutil.Error), process.oneshot():
            started = process.create_time()
            now[process.pid, started] = _used(process)
            gauges["num_procs"] += 1
            gauges["num_threads"] += process.num_threads()
            info = process.memory_info()
            memory["resident"] += info.rss
            memory["virtual"] += info.vms
            oldest = started if oldest is None else min(oldest, started)
            gauges["open_filedesc"] += process.num_fds()
    sums = group.count(now)
    for key, value in gauges.items():
        sheet.gauge(f"{_PREFIX}{key}", f"{key} of the group.", value, groupname=name)
    for kind, value in memory.items():
        sheet.gauge(f"{_PREFIX}memory_bytes", "Memory of the group, in bytes.", value, groupname=name, memtype=kind)
    text = "When the group's oldest process was started, seconds since the epoch."
    sheet.gauge(f"{_PREFIX}oldest_start_time_seconds", text, oldest, groupname=name)
    for mode in ("user", "system"):
        text = "Processor time of the group, ended processes too, in seconds."
        sheet.counter(f"{_PREFIX}cpu_seconds_total", text, sums.get(mode, 0.0), groupname=name, mode=mode)
    for key in ("read_bytes_total", "write_bytes_total"):
        sheet.counter(f"{_PREFIX}{key}", "Bytes that the group read or wrote on disks.", sums.get(key), groupname=name)


COLLECTORS = (HostCollector("processes", _processes),)
