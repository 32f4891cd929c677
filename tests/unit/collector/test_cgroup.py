from pathlib import Path

from services.collector.cgroup import (
    Throttled,
    cpu_limit,
    cpu_throttled,
    cpu_used,
    find,
    memory_limit,
    memory_used,
)

GIB = 1024**3


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def version_2(root: Path, group: str = "/shop/web") -> None:
    write(root, {
        "proc/self/cgroup": f"0::{group}\n",
        "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
        "sys/fs/cgroup/shop/memory.max": f"{GIB}\n",
        "sys/fs/cgroup/shop/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/shop/web/memory.max": "max\n",
        "sys/fs/cgroup/shop/web/memory.current": "5000\n",
        "sys/fs/cgroup/shop/web/memory.stat": "anon 3000\ninactive_file 1500\n",
        "sys/fs/cgroup/shop/web/cpu.max": "max 100000\n",
        "sys/fs/cgroup/shop/web/cpu.stat": "usage_usec 2500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 500000\n",
    })  # fmt: skip


def version_1(root: Path, path: str = "/docker/abc") -> None:
    write(root, {
        "proc/7/cgroup": f"4:memory:{path}\n3:cpu,cpuacct:{path}\n0::/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": f"{GIB}\n",
        "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "5000\n",
        "sys/fs/cgroup/memory/docker/abc/memory.stat": "total_inactive_file 7000\n",
        "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "50000\n",
        "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu/docker/abc/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 250000000\n",
        "sys/fs/cgroup/cpuacct/docker/abc/cpuacct.usage": "3000000000\n",
    })  # fmt: skip


def test_version_2_takes_the_narrowest_limit_above(tmp_path: Path) -> None:
    version_2(tmp_path)
    assert memory_limit(root=tmp_path) == GIB
    assert memory_used(root=tmp_path) == 3500
    assert cpu_limit(root=tmp_path) == 1.5
    assert cpu_used(root=tmp_path) == 2.5
    assert cpu_throttled(root=tmp_path) == Throttled(10, 4, 0.5)


def test_version_1(tmp_path: Path) -> None:
    version_1(tmp_path)
    assert memory_limit("7", tmp_path) == GIB
    assert memory_used("7", tmp_path) == 0
    assert cpu_limit("7", tmp_path) == 0.5
    assert cpu_used("7", tmp_path) == 3
    assert cpu_throttled("7", tmp_path) == Throttled(10, 4, 0.25)


def test_a_path_of_the_machine_is_not_there_in_a_container(tmp_path: Path) -> None:
    version_1(tmp_path, "/kubepods/../outside")
    place = find("memory", "7", tmp_path)
    assert place is not None
    assert place.folders == (tmp_path / "sys/fs/cgroup/memory",)
    assert memory_limit("7", tmp_path) is None


def test_no_limit(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cgroup.controllers": "", "sys/fs/cgroup/cpu.max": "max 1"},
    )
    assert memory_limit(root=tmp_path) is None
    assert cpu_limit(root=tmp_path) is None
    assert cpu_used(root=tmp_path) is None
    assert cpu_throttled(root=tmp_path) is None
    assert memory_used(root=tmp_path) is None


def test_a_machine_without_control_groups(tmp_path: Path) -> None:
    for read in (memory_limit, memory_used, cpu_limit, cpu_used, cpu_throttled):
        assert read(root=tmp_path) is None
    write(tmp_path, {"proc/self/cgroup": "0::/\n"})
    for read in (memory_limit, memory_used, cpu_limit, cpu_used, cpu_throttled):
        assert read(root=tmp_path) is None
