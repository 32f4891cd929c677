"""Processors, memory, load, pressure and the kernel, under node_exporter's names."""

import os
import re

import psutil

from services.collector.sheet import Sheet
from services.collector.sources.host.collector import HostCollector, Scene

_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_GUESTS = (("guest", "user"), ("guest_nice", "nice"))
_MEMORY_LINE = re.compile(r"^(\w+)(?:\((\w+)\))?:\s+(\d+)( kB)?$", re.MULTILINE)
_PRESSURE_LINE = re.compile(r"^(some|full) .*\btotal=(\d+)$", re.MULTILINE)
_PRESSURES = {
    ("cpu", "some"): "cpu_waiting", ("io", "some"): "io_waiting", ("io", "full"): "io_stalled",
    ("memory", "some"): "memory_waiting", ("memory", "full"): "memory_stalled",
}  # fmt: skip
_SIMILAR = {
    "MemTotal": "total", "MemFree": "free", "MemAvailable": "available", "Active": "active", "Inactive": "inactive",
    "Buffers": "buffers", "Cached": "cached",
}  # fmt: skip


def _cpu(scene: Scene, sheet: Sheet) -> None:
    for number, times in enumerate(psutil.cpu_times(percpu=True)[: scene.target.max_series]):
        for mode in _MODES:
            seconds = getattr(times, mode, None)
            sheet.counter("node_cpu_seconds_total", "Seconds that the CPUs spent in each mode.", seconds, cpu=number,
                          mode=mode)  # fmt: skip
        for field, mode in _GUESTS:
            seconds = getattr(times, field, None)
            sheet.counter("node_cpu_guest_seconds_total", "Seconds that the CPUs spent in guests.", seconds, cpu=number,
                          mode=mode)  # fmt: skip


def _stat(scene: Scene, sheet: Sheet) -> None:
    stats = psutil.cpu_stats()
    sheet.counter("node_context_switches_total", "Context switches.", stats.ctx_switches)
    sheet.counter("node_intr_total", "Interrupts that were served.", stats.interrupts)
    sheet.gauge("node_boot_time_seconds", "When the machine was started, seconds since the epoch.", psutil.boot_time())
    sheet.gauge("node_time_seconds", "The machine's time, seconds since the epoch.", scene.now)
    found = dict(line.split(" ", 1) for line in scene.proc("stat").splitlines() if " " in line)
    for key, name in (("procs_running", "node_procs_running"), ("procs_blocked", "node_procs_blocked")):
        sheet.gauge(name, f"{key} of /proc/stat.", float(found[key]) if key in found else None)
    forks = float(found["processes"]) if "processes" in found else None
    sheet.counter("node_forks_total", "Processes that were started.", forks)
    used, _, most = scene.proc("sys/fs/file-nr").split()
    sheet.gauge("node_filefd_allocated", "Open files of the machine.", float(used))
    sheet.gauge("node_filefd_maximum", "Most open files of the machine.", float(most))


def _load(_scene: Scene, sheet: Sheet) -> None:
    for name, value in zip(("node_load1", "node_load5", "node_load15"), os.getloadavg(), strict=True):
        sheet.gauge(name, "Processes that run or wait to run, on average over these minutes.", value)


def read_memory(text: str) -> dict[str, float]:
    """Return /proc/meminfo under node_exporter's names less `node_memory_`: bytes, or counts where no unit is given."""
    return {
        f"{name}_{part}{'_bytes' if unit else ''}" if part else f"{name}{'_bytes' if unit else ''}": float(value)
        * (1024 if unit else 1)
        for name, part, value, unit in _MEMORY_LINE.findall(text)
    }


def _memory(scene: Scene, sheet: Sheet) -> None:
    try:
        found = read_memory(scene.proc("meminfo"))
    except FileNotFoundError:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        found = {f"{name}_bytes": getattr(memory, field) for name, field in _SIMILAR.items() if hasattr(memory, field)}
        found |= {"SwapTotal_bytes": float(swap.total), "SwapFree_bytes": float(swap.free)}
    for name, value in found.items():
        sheet.gauge(f"node_memory_{name}", f"{name.removesuffix('_bytes')} of /proc/meminfo.", value)


def _pressure(scene: Scene, sheet: Sheet) -> None:
    for what in ("cpu", "io", "memory"):
        try:
            text = scene.proc(f"pressure/{what}")
        except FileNotFoundError:
            # A kernel without pressure stall information.
            return
        for kind, microseconds in _PRESSURE_LINE.findall(text):
            name = _PRESSURES.get((what, kind))
            if name is not None:
                text = "Seconds that tasks waited for it."
                sheet.counter(f"node_pressure_{name}_seconds_total", text, int(microseconds) / 1e6)


def _uname(_scene: Scene, sheet: Sheet) -> None:
    found = os.uname()
    sheet.gauge(
        "node_uname_info", "The kernel.", 1, sysname=found.sysname, release=found.release, version=found.version,
        machine=found.machine, nodename=found.nodename,
    )  # fmt: skip


COLLECTORS = (
    HostCollector("cpu", _cpu),
    HostCollector("stat", _stat),
    HostCollector("loadavg", _load),
    HostCollector("meminfo", _memory),
    HostCollector("pressure", _pressure),
    HostCollector("uname", _uname, min_interval=300.0),
)
