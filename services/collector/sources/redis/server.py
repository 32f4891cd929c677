"""INFO, command statistics, latency histograms, the configuration and modules."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.collector.cgroup import memory_limit
from services.collector.sheet import Sheet
from services.collector.sources.redis.client import Command, Reply
from services.collector.sources.redis.collector import RedisCollector, Scene
from services.collector.sources.redis.commands import Stats, write_commands, write_errors
from services.collector.sources.redis.facts import write_info, write_keyspace, write_memory, write_replication
from services.collector.sources.redis.fields import number, pairs, parse_info, split_info
from services.collector.sources.redis.refusal import check

_REDIS_7 = (7, 0)
_CONFIGURED = (
    "maxmemory", "maxclients", "io-threads", "repl-backlog-size", "databases", "slowlog-log-slower-than",
    "slowlog-max-len", "latency-monitor-threshold", "client-output-buffer-limit", "min-replicas-to-write", "timeout",
    "tcp-backlog", "hz",
)  # fmt: skip
_OWN_NAME = {"maxmemory", "maxclients", "io-threads", "repl-backlog-size"}
_QUANTILES = {"p50": "0.5", "p99": "0.99", "p99.9": "0.999"}
_MOST_MODULES = 64
_CONTAINER_AGAIN = 60.0


def _ask_info(scene: Scene) -> Sequence[Command]:
    # ALL leaves out only what modules say, which can be long.
    del scene
    return (("INFO", "ALL"),)


async def _info(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    text, scene.sections = split_info(replies[0])
    info = scene.info = parse_info(text)
    write_info(sheet, info, now=scene.now)
    if scene.mode == "sentinel":
        return
    container = _container(scene, info.get("process_id", "")) if scene.local else None
    write_memory(sheet, info, configured=scene.target.memory_limit, container=container)
    write_keyspace(sheet, info, databases=scene.memory.databases)
    write_replication(sheet, info)
    for name in ("maxclients", "maxmemory"):
        sheet.gauge(f"redis_config_{name}", f"{name} of the server's configuration.", number(info.get(name)))


def _container(scene: Scene, pid: str) -> float | None:
    known, at, limit = scene.memory.container
    if pid != known or scene.monotonic() - at >= _CONTAINER_AGAIN:
        limit = _read_container(pid)
        scene.memory.container = (pid, scene.monotonic(), limit)
    return limit


def _read_container(pid: str) -> float | None:
    # A process of that number may be another one where the server runs in a container with its own numbers.
    try:
        name = Path(f"/proc/{int(pid)}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return memory_limit(pid) if name.startswith(("redis", "valkey", "keydb")) else None


async def _commands(scene: Scene, sheet: Sheet, _replies: Sequence[Reply]) -> None:
    memory = scene.memory.commands
    stats = scene.stats = memory.reader.read(scene.sections.get("Commandstats", ""))
    write_commands(sheet, memory.take(stats))
    write_errors(sheet, scene.sections.get("Errorstats", ""))
    percentiles = scene.sections.get("Latencystats", "")
    for cmd in memory.busiest(scene.target.histogram_commands):
        _, found, rest = percentiles.partition(f"latency_percentiles_usec_{cmd}:")
        if found:
            _write_percentiles(sheet, cmd, pairs(rest.partition("\n")[0].strip()), stats[cmd])


def _write_percentiles(sheet: Sheet, cmd: str, found: Mapping[str, str], stats: Stats) -> None:
    name = "redis_latency_percentiles_usec"
    family = sheet.family(name, "summary", "Latency by command since the server's start, in microseconds.")
    label = f'cmd="{cmd}"'
    for key, value in found.items():
        quantile = _QUANTILES.get(key) or repr(float(key[1:]) / 100)
        family.rows.append((name, f'{label},quantile="{quantile}"', value))
    family.rows.append((f"{name}_sum", label, str(stats[1])))
    family.rows.append((f"{name}_count", label, str(stats[0])))


def _ask_histograms(scene: Scene) -> Sequence[Command]:
    # Which commands are the busiest is known from the scrape before; the first one asks once more.
    if not scene.memory.commands.known:
        return ()
    busiest = scene.memory.commands.busiest(scene.target.histogram_commands)
    return (("LATENCY", "HISTOGRAM", *busiest),)


async def _histograms(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    if not replies:
        replies = check(await scene.ask(_ask_histograms(scene)))
    name = "redis_commands_latencies_usec"
    family = sheet.family(name, "histogram", "Latency by command since the server's start, in microseconds.")
    (found,) = replies
    for cmd, (_, calls, _, buckets) in zip(found[::2], found[1::2], strict=True):
        label = f'cmd="{cmd}"'
        for bound, count in zip(buckets[::2], buckets[1::2], strict=True):
            family.rows.append((f"{name}_bucket", f'{label},le="{bound}"', str(count)))
        family.rows.append((f"{name}_bucket", f'{label},le="+Inf"', str(calls)))
        family.rows.append((f"{name}_sum", label, str(scene.stats.get(cmd, (0, 0))[1])))
        family.rows.append((f"{name}_count", label, str(calls)))


def _ask_config(scene: Scene) -> Sequence[Command]:
    # Before Redis 7 CONFIG GET takes one pattern only.
    return (("CONFIG", "GET", *(_CONFIGURED if scene.version >= _REDIS_7 else ("*",))),)


async def _config(scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    found = dict(zip(replies[0][::2], replies[0][1::2], strict=True))
    # A Cluster has one, whatever the setting says.
    scene.memory.databases = 1 if scene.mode == "cluster" else int(number(found.get("databases")) or 0)
    for key in _CONFIGURED:
        value = number(found.get(key))
        if value is None:
            continue
        if key in _OWN_NAME and key not in scene.info:
            # maxmemory and, in newer servers, maxclients come with INFO.
            sheet.gauge(f"redis_config_{key.replace('-', '_')}", f"{key} of the server's configuration.", value)
        sheet.gauge("redis_config_value", "Settings of the server that are numbers.", value, key=key)
    words = found.get("client-output-buffer-limit", "").split()
    for role, hard, soft, seconds in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=False):
        name = "redis_config_client_output_buffer_limit_bytes"
        text = "Limit of a client's output buffer, in bytes."
        sheet.gauge(name, text, number(hard), **{"class": role, "limit": "hard"})
        sheet.gauge(name, text, number(soft), **{"class": role, "limit": "soft"})
        name = "redis_config_client_output_buffer_limit_overcome_seconds"
        sheet.gauge(name, "Seconds over the soft limit until the client is cut off.", number(seconds),
                    **{"class": role, "limit": "soft"})  # fmt: skip


async def _modules(_scene: Scene, sheet: Sheet, replies: Sequence[Reply]) -> None:
    for module in replies[0][:_MOST_MODULES]:
        found = dict(zip(module[::2], module[1::2], strict=True))
        sheet.gauge("redis_module_info", "A loaded module.", 1, name=found.get("name"), ver=found.get("ver"))


def _is_server(scene: Scene) -> bool:
    return scene.mode != "sentinel"


FIRST = (
    RedisCollector("info", _info, _ask_info),
    RedisCollector("commands", _commands, when=_is_server),
)
LAST = (
    RedisCollector(
        "latency_histogram", _histograms, _ask_histograms, lambda scene: _is_server(scene) and scene.version >= _REDIS_7
    ),
    RedisCollector("config", _config, _ask_config, _is_server, min_interval=60.0),
    RedisCollector("modules", _modules, lambda _scene: (("MODULE", "LIST"),), _is_server, min_interval=300.0),
)
