"""All collectors, in the order in which they run: what may hang comes last."""

from services.collector.sources.host import container, devices, machine, processes
from services.collector.sources.host.collector import HostCollector

COLLECTORS: tuple[HostCollector, ...] = (
    *machine.COLLECTORS,
    *devices.COLLECTORS,
    *container.COLLECTORS,
    *processes.COLLECTORS,
    *devices.LAST,
)
