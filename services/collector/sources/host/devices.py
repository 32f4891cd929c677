"""Disks, network interfaces and file systems, under node_exporter's names."""

import os
import re
from collections.abc import Iterable

import psutil

from services.collector.sheet import Sheet
from services.collector.sources.host.collector import HostCollector, Scene

_DISK = (
    ("reads_completed", "read_count", 1.0), ("read_bytes", "read_bytes", 1.0), ("read_time_seconds", "read_time", 1e-3),
    ("writes_completed", "write_count", 1.0), ("written_bytes", "write_bytes", 1.0),
    ("write_time_seconds", "write_time", 1e-3), ("io_time_seconds", "busy_time", 1e-3),
    ("reads_merged", "read_merged_count", 1.0), ("writes_merged", "write_merged_count", 1.0),
)  # fmt: skip
_NETWORK = (
    ("receive_bytes", "bytes_recv"), ("transmit_bytes", "bytes_sent"), ("receive_packets", "packets_recv"),
    ("transmit_packets", "packets_sent"), ("receive_errs", "errin"), ("transmit_errs", "errout"),
    ("receive_drop", "dropin"), ("transmit_drop", "dropout"),
)  # fmt: skip
_MEGABIT = 125_000
_OWN_NOT_LOOKED_AT = re.compile(r"^(nfs4?|cifs|smb3?|fuse\..*|9p|ceph|glusterfs|autofs)$")


def _disks(scene: Scene, sheet: Sheet) -> None:
    ignored = re.compile(scene.target.ignored_devices)
    found = {name: io for name, io in psutil.disk_io_counters(perdisk=True).items() if not ignored.search(name)}
    for device in sorted(found)[: scene.target.max_series]:
        for name, field, scale in _DISK:
            value = getattr(found[device], field, None)
            scaled = None if value is None else value * scale
            sheet.counter(f"node_disk_{name}_total", f"{field} of the disk.", scaled, device=device)


def _network(scene: Scene, sheet: Sheet) -> None:
    ignored = re.compile(scene.target.ignored_interfaces)
    found = {name: io for name, io in psutil.net_io_counters(pernic=True).items() if not ignored.search(name)}
    links = psutil.net_if_stats()
    for device in sorted(found)[: scene.target.max_series]:
        for name, field in _NETWORK:
            sheet.counter(f"node_network_{name}_total", f"{field} of the interface.", getattr(found[device], field),
                          device=device)  # fmt: skip
        link = links.get(device)
        if link is not None:
            sheet.gauge("node_network_up", "1 while the interface is up.", link.isup, device=device)
            sheet.gauge("node_network_mtu_bytes", "Largest packet.", link.mtu, device=device)
            speed = link.speed * _MEGABIT if link.speed else None
            sheet.gauge("node_network_speed_bytes", "Speed in bytes per second.", speed, device=device)


def read_mounts(text: str) -> list[tuple[str, str, str, bool]]:
    """Return (device, mount point, type, read only) of /proc/self/mounts, a later mount over an earlier one's place."""
    found = {}
    for line in text.splitlines():
        parts = line.split(" ")
        device, place = (part.encode().decode("unicode_escape") for part in parts[:2])
        found[place] = (device, place, parts[2], "ro" in parts[3].split(","))
    return list(found.values())


def _wanted(scene: Scene, mounts: Iterable[tuple[str, str, str, bool]]) -> list[tuple[str, str, str, bool]]:
    ignored = re.compile(scene.target.ignored_file_systems)
    chosen = []
    for device, place, kind, read_only in mounts:
        # What lies on another machine may hang, and is looked at only when it is named.
        own = device.startswith("/") and not ignored.search(kind) and not _OWN_NOT_LOOKED_AT.match(kind)
        if own or place in scene.target.mount_points:
            chosen.append((device, place, kind, read_only))
    return chosen[: scene.target.max_series]


def _file_systems(scene: Scene, sheet: Sheet) -> None:
    seen: set[str] = set()
    for device, place, kind, read_only in _wanted(scene, read_mounts(scene.proc("self/mounts"))):
        # A container shows one disk at many places; the first says all.
        if device in seen and place not in scene.target.mount_points:
            continue
        seen.add(device)
        labels = {"device": device, "fstype": kind, "mountpoint": place}
        try:
            found = os.statvfs(place)
        except OSError:
            sheet.gauge("node_filesystem_device_error", "1 when it can't be looked at.", 1, **labels)
            continue
        sheet.gauge("node_filesystem_device_error", "1 when it can't be looked at.", 0, **labels)
        values = {
            "size_bytes": found.f_blocks * found.f_frsize, "free_bytes": found.f_bfree * found.f_frsize,
            "avail_bytes": found.f_bavail * found.f_frsize, "files": found.f_files, "files_free": found.f_ffree,
            "readonly": read_only,
        }  # fmt: skip
        for name, value in values.items():
            sheet.gauge(f"node_filesystem_{name}", f"{name} of the file system.", value, **labels)


COLLECTORS = (
    HostCollector("diskstats", _disks),
    HostCollector("netdev", _network),
)
LAST = (HostCollector("filesystem", _file_systems),)
