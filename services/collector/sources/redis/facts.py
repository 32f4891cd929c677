"""From Redis' answers to samples; no input or output."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.redis.fields import INSTANCE, SCALES, number, table

Info = Mapping[str, Any]
_TABLE = table()
_RECENT = 60.0


def write_info(sheet: Sheet, info: Info, *, now: float) -> None:
    """Write everything that INFO says; `now` in seconds since the epoch."""
    for field, name, kind in _TABLE:
        value = number(info[field]) if field in info else None
        if value is not None:
            sheet.add(name, kind, f"{field} of INFO", value * SCALES.get(field, 1.0), {})
    sheet.gauge(
        "redis_instance_info", "Information about the instance", 1, **{key: info.get(key, "") for key in INSTANCE}
    )
    uptime = number(info.get("uptime_in_seconds"))
    if uptime is not None:
        sheet.gauge("redis_start_time_seconds", "When the server started, seconds since the epoch", now - uptime)
    sheet.gauge("redis_config_maxclients", "Most clients that the server takes", number(info.get("maxclients")))
    sheet.gauge("redis_config_maxmemory", "maxmemory in bytes, 0 for none", number(info.get("maxmemory")))
    # The peer's mixin records this name; emitted, its panel works without the rule.
    fragmentation = number(info.get("mem_fragmentation_ratio"))
    sheet.gauge("redis_memory_fragmentation_ratio", "Resident over used memory", fragmentation)
    _write_memory(sheet, info)
    _write_keyspace(sheet, info)
    _write_commands(sheet, info)
    _write_replication(sheet, info)


def _write_memory(sheet: Sheet, info: Info) -> None:
    # maxmemory 0 means "no limit"; a ratio over it would be infinite, so the machine's memory is the limit then.
    used, most, system = (number(info.get(key)) for key in ("used_memory", "maxmemory", "total_system_memory"))
    limit = most or system
    if not limit or used is None:
        return
    sheet.gauge("redis_memory_limit_bytes", "maxmemory, or the machine's memory where that is 0", limit)
    sheet.gauge("redis_memory_used_ratio", "Used memory over redis_memory_limit_bytes", used / limit)


def _write_keyspace(sheet: Sheet, info: Info) -> None:
    for key, value in info.items():
        if not re.fullmatch(r"db\d+", key) or not isinstance(value, Mapping):
            continue
        sheet.gauge("redis_db_keys", "Keys by database", number(value.get("keys")), db=key)
        sheet.gauge("redis_db_keys_expiring", "Keys that expire, by database", number(value.get("expires")), db=key)
        ttl = number(value.get("avg_ttl"))
        if ttl:
            sheet.gauge("redis_db_avg_ttl_seconds", "Average time to live by database", ttl / 1000, db=key)


def _write_commands(sheet: Sheet, info: Info) -> None:
    for key, value in info.items():
        if not isinstance(value, Mapping):
            continue
        if key.startswith("cmdstat_"):
            _write_command(sheet, key.removeprefix("cmdstat_"), value)
        elif key.startswith("errorstat_"):
            err = key.removeprefix("errorstat_")
            sheet.counter("redis_errors_total", "Error replies by kind", number(value.get("count")), err=err)


def _write_command(sheet: Sheet, cmd: str, value: Info) -> None:
    usec = number(value.get("usec"))
    seconds = None if usec is None else usec / 1e6
    sheet.counter("redis_commands_total", "Calls by command", number(value.get("calls")), cmd=cmd)
    sheet.counter("redis_commands_duration_seconds_total", "Time spent by command", seconds, cmd=cmd)
    failed, rejected = number(value.get("failed_calls")), number(value.get("rejected_calls"))
    sheet.counter("redis_commands_failed_calls_total", "Failed calls by command", failed, cmd=cmd)
    sheet.counter("redis_commands_rejected_calls_total", "Rejected calls by command", rejected, cmd=cmd)


def _write_replication(sheet: Sheet, info: Info) -> None:
    for key, value in info.items():
        if re.fullmatch(r"slave\d+", key) and isinstance(value, Mapping):
            where = {f"slave_{part}": value.get(part, "") for part in ("ip", "port", "state")}
            lag, offset = number(value.get("lag")), number(value.get("offset"))
            sheet.gauge("redis_connected_slave_lag_seconds", "Lag of a replica", lag, **where)
            sheet.gauge("redis_connected_slave_offset_bytes", "Offset of a replica", offset, **where)
    if info.get("role") != "slave":
        return
    master = {"master_host": info.get("master_host", ""), "master_port": info.get("master_port", "")}
    link = {"up": 1, "down": 0}.get(str(info.get("master_link_status")))
    sheet.gauge("redis_master_link_up", "1 while the replica is connected to its master", link, **master)
    for field, name in (
        ("master_last_io_seconds_ago", "redis_master_last_io_seconds_ago"),
        ("master_sync_in_progress", "redis_master_sync_in_progress"),
        ("slave_repl_offset", "redis_slave_repl_offset"),
    ):
        sheet.gauge(name, f"{field} of INFO", number(info.get(field)), **master)
    facts = {"read_only": info.get("slave_read_only", ""), "priority": info.get("slave_priority", "")}
    sheet.gauge("redis_slave_info", "Information about the replica", 1, **facts, **master)


def write_slowlog(sheet: Sheet, length: int, entries: Sequence[Mapping[str, Any]], *, now: float) -> None:
    """Write the slow log: its length, newest id and duration, and the slowest call of the last minute."""
    sheet.gauge("redis_slowlog_length", "Entries in the slow log", length)
    last_id = int(entries[0]["id"]) if entries else 0
    last = float(entries[0]["duration"]) / 1e6 if entries else 0.0
    sheet.gauge("redis_slowlog_last_id", "Id of the newest entry of the slow log", last_id)
    sheet.gauge("redis_last_slow_execution_duration_seconds", "Time of the newest slow call", last)
    recent = [float(entry["duration"]) / 1e6 for entry in entries if float(entry["start_time"]) >= now - _RECENT]
    sheet.gauge("redis_slowlog_max_seconds", "Slowest call of the last minute in the slow log", max(recent, default=0))


def write_latency(sheet: Sheet, events: Sequence[Sequence[Any]]) -> None:
    """Write LATENCY LATEST: per event when it was last and how long, in seconds."""
    for event in events:
        name, at, took = str(event[0]), float(event[1]), float(event[2]) / 1000
        sheet.gauge("redis_latency_spike_last", "When the latency event was last", at, event_name=name)
        sheet.gauge("redis_latency_spike_duration_seconds", "Time of the newest latency event", took, event_name=name)
