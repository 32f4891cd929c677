"""The collector's own control group: what its container may use; and memory as a share of what is allowed."""

from services.collector import cgroup
from services.collector.sheet import Sheet
from services.collector.sources.host.collector import HostCollector, Scene
from services.collector.sources.host.machine import read_memory


def _container(scene: Scene, sheet: Sheet) -> None:
    root = scene.root
    limit, used = cgroup.memory_limit(root=root), cgroup.memory_used(root=root)
    memory = read_memory(scene.proc("meminfo"))
    total = memory.get("MemTotal_bytes")
    inside = limit is not None and used is not None and (total is None or limit < total)
    sheet.gauge("container_spec_memory_limit_bytes", "The group's limit, in bytes; none without one.", limit)
    sheet.gauge("container_memory_working_set_bytes", "Memory of the group less droppable page cache.", used)
    if total and not inside:
        limit, used = total, total - memory.get("MemAvailable_bytes", memory.get("MemFree_bytes", total))
    if limit and used is not None:
        text = "The group's limit where it is below the machine's memory, else that, in bytes."
        sheet.gauge("host_memory_limit_bytes", text, limit)
        sheet.gauge("host_memory_used_ratio", "Used memory over host_memory_limit_bytes.", used / limit)
    processors = cgroup.cpu_limit(root=root)
    sheet.gauge(
        "container_spec_cpu_limit", "Processors that the group may keep busy; none without a limit.", processors
    )
    sheet.counter("container_cpu_usage_seconds_total", "Processor time of the group.", cgroup.cpu_used(root=root))
    throttled = cgroup.cpu_throttled(root=root)
    if throttled is not None:
        sheet.counter("container_cpu_cfs_periods_total", "Periods of the limit.", throttled.periods)
        text = "Periods in which the group was held back."
        sheet.counter("container_cpu_cfs_throttled_periods_total", text, throttled.throttled_periods)
        text = "Seconds for which the group was held back."
        sheet.counter("container_cpu_cfs_throttled_seconds_total", text, throttled.seconds)


COLLECTORS = (HostCollector("cgroup", _container),)
