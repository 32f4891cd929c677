"""Limits and use of a process' control group, versions 1 and 2: what a container may use of its machine."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_ROOT = Path("/")
_UNLIMITED = 1 << 60
"""Version 1 says "no limit" by a huge number (about 2^63, rounded to pages)."""


@dataclass(frozen=True)
class Place:
    """Where a controller's files of a process are; `version` is 1 or 2."""

    version: int
    folders: tuple[Path, ...]
    """The process' own group first, then those above it: the narrowest limit of them all holds."""


def find(controller: str, pid: str = "self", root: Path = _ROOT) -> Place | None:
    """Return where a process' controller is; None where the machine has no control groups or hides them.

    `root` is where /proc and /sys are.
    """
    try:
        lines = (root / "proc" / pid / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    groups = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
    base = root / "sys/fs/cgroup"
    if controller in groups and (base / controller).is_dir():
        return Place(1, _upwards(base / controller, groups[controller]))
    for mount in (base, base / "unified"):
        if "" in groups and (mount / "cgroup.controllers").exists():
            return Place(2, _upwards(mount, groups[""]))
    return None


def _upwards(mount: Path, path: str) -> tuple[Path, ...]:
    # In a container the path may be the machine's, which is not there; then the mount itself is the container's group.
    pure = PurePosixPath(path.removeprefix("/"))
    folders = [mount / part for part in (pure, *pure.parents) if ".." not in part.parts]
    return tuple(folder for folder in dict.fromkeys(folders) if folder.is_dir())


def read_number(folder: Path, name: str) -> float | None:
    """Return the number in a file of the group; None for `max`, for "no limit" and where there is no such file."""
    try:
        text = (folder / name).read_text(encoding="utf-8").split()[0]
        value = int(text)
    except (OSError, ValueError, IndexError):
        return None
    return float(value) if value < _UNLIMITED else None


def read_table(folder: Path, name: str) -> dict[str, float]:
    """Return a file of `key value` lines, such as memory.stat; empty where there is no such file."""
    try:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {key: float(value) for key, _, value in (line.partition(" ") for line in lines) if value.strip().isdigit()}


def memory_limit(pid: str = "self", root: Path = _ROOT) -> float | None:
    """Return the bytes that a process' group may use; None without a limit."""
    place = find("memory", pid, root)
    if place is None:
        return None
    name = "memory.limit_in_bytes" if place.version == 1 else "memory.max"
    limits = [read_number(folder, name) for folder in place.folders]
    return min((limit for limit in limits if limit is not None), default=None)


def memory_used(pid: str = "self", root: Path = _ROOT) -> float | None:
    """Return the bytes that the group uses, less the page cache that could be dropped at once."""
    place = find("memory", pid, root)
    if place is None or not place.folders:
        return None
    own = place.folders[0]
    used = read_number(own, "memory.usage_in_bytes" if place.version == 1 else "memory.current")
    stat = read_table(own, "memory.stat")
    dropped = stat.get("total_inactive_file", stat.get("inactive_file", 0.0))
    return None if used is None else max(used - dropped, 0.0)


def cpu_limit(pid: str = "self", root: Path = _ROOT) -> float | None:
    """Return how many processors the group may keep busy; None without a limit."""
    place = find("cpu", pid, root)
    if place is None:
        return None
    limits = [_quota(folder, place.version) for folder in place.folders]
    return min((limit for limit in limits if limit is not None), default=None)


def _quota(folder: Path, version: int) -> float | None:
    if version == 1:
        quota, period = read_number(folder, "cpu.cfs_quota_us"), read_number(folder, "cpu.cfs_period_us")
        return quota / period if quota is not None and quota > 0 and period else None
    try:
        quota_text, period_text = (folder / "cpu.max").read_text(encoding="utf-8").split()
        return None if quota_text == "max" else int(quota_text) / int(period_text)
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Throttled:
    """How often and how long a group was held back by its limit of processor time."""

    periods: float
    throttled_periods: float
    seconds: float


def cpu_used(pid: str = "self", root: Path = _ROOT) -> float | None:
    """Return the seconds of processor time that the group has used."""
    place = find("cpuacct", pid, root) or find("cpu", pid, root)
    if place is None or not place.folders:
        return None
    if place.version == 1:
        nanoseconds = read_number(place.folders[0], "cpuacct.usage")
        return None if nanoseconds is None else nanoseconds / 1e9
    used = read_table(place.folders[0], "cpu.stat").get("usage_usec")
    return None if used is None else used / 1e6


def cpu_throttled(pid: str = "self", root: Path = _ROOT) -> Throttled | None:
    """Return how the group was held back; None where that is not counted."""
    place = find("cpu", pid, root)
    if place is None or not place.folders:
        return None
    stat = read_table(place.folders[0], "cpu.stat")
    if "nr_periods" not in stat:
        return None
    seconds = stat["throttled_usec"] / 1e6 if "throttled_usec" in stat else stat.get("throttled_time", 0.0) / 1e9
    return Throttled(stat["nr_periods"], stat.get("nr_throttled", 0.0), seconds)
