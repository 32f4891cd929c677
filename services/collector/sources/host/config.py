"""What the configuration says of the host."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from services.collector.sources.base import CollectorSwitch, TargetModel
from services.common.config import StrictModel

COLLECTOR_NAMES = (
    "cpu", "stat", "loadavg", "meminfo", "pressure", "uname", "filesystem", "diskstats", "netdev", "cgroup",
    "processes",
)  # fmt: skip


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class ProcessGroup(StrictModel):
    """Processes that are counted together: those that match all that is given."""

    name: str = Field(min_length=1, max_length=100)
    """The label `groupname`."""
    pid_file: Path | None = None
    comm: str | None = None
    """The program's name as `ps -o comm` shows it; whole."""
    cmdline: Pattern | None = None
    """A regular expression that is found anywhere in the command line, its words joined by blanks."""
    children: bool = False
    """Count what these processes have started, too."""

    @model_validator(mode="after")
    def _some(self) -> "ProcessGroup":
        if self.pid_file is None and self.comm is None and self.cmdline is None:
            raise ValueError("give pid_file, comm or cmdline")
        return self


class HostTarget(TargetModel):
    """This machine; what a container sees of it, when the collector runs in one."""

    mount_points: tuple[str, ...] = ()
    """File systems to show beside those on disks; network file systems are not looked at by themselves."""
    ignored_devices: Pattern = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"
    """Disks that are not shown: by default partitions and what is no disk, as with node_exporter."""
    ignored_interfaces: Pattern = r"^(veth|cali|lxc)"
    ignored_file_systems: Pattern = r"^(squashfs|iso9660|overlay|tmpfs)$"
    max_series: int = Field(default=64, ge=1, le=1000)
    """Disks, interfaces, file systems and processors at most, of each."""
    processes: tuple[ProcessGroup, ...] = Field(default=(), max_length=50)
    collectors: dict[str, CollectorSwitch] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "HostTarget":
        unknown = sorted(set(self.collectors) - set(COLLECTOR_NAMES))
        if unknown:
            raise ValueError(f"there is no collector {unknown[0]!r}; there are: {', '.join(COLLECTOR_NAMES)}")
        names = [group.name for group in self.processes]
        if len(set(names)) < len(names):
            raise ValueError("two groups of processes have the same name; choose another for one of them")
        return self
