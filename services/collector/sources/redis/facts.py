"""From INFO to samples: the server, its memory, its databases and its replication; no input or output."""

from collections.abc import Mapping

from services.collector.sheet import Family, Sheet
from services.collector.sources.redis.fields import (
    INSTANCE,
    INSTANCE_MORE,
    number,
    pairs,
    table,
    value_text,
)

Info = Mapping[str, str]
_TABLE = [(row.field, row.metric, row.type, row.help) for row in table()]
_MOST_DATABASES = 256
_PADDED = [f"db{index}" for index in range(64)]
# Left the field of a Keyspace line, right the metric and its scale; Valkey has another name for the last.
_KEYSPACE = (
    ("avg_ttl", "redis_db_avg_ttl_seconds", 1e-3, "Average time to live by database, in seconds."),
    ("cached_keys", "redis_db_keys_cached", 1.0, "Cached keys by database."),
    ("subexpiry", "redis_db_keys_with_expiring_items", 1.0, "Keys with fields that expire, by database."),
    ("keys_with_volatile_items", "redis_db_keys_with_expiring_items", 1.0, "Keys with fields that expire."),
)


def write_info(sheet: Sheet, info: Info, *, now: float) -> None:
    """Write what INFO says of the server as a whole; `now` in seconds since the epoch."""
    families = sheet.families
    for field, metric, kind, words in _TABLE:
        raw = info.get(field)
        text = None if raw is None else value_text(field, raw)
        if text is not None:
            # Written by hand, as this is most of a scrape's samples.
            families[metric] = Family(metric, kind, words, [(metric, "", text)])
    names = {key: info.get(key, "") for key in INSTANCE}
    names["redis_mode"] = names["redis_mode"] or info.get("server_mode", "")
    names.update({key: info[key] for key in INSTANCE_MORE if info.get(key)})
    sheet.gauge("redis_instance_info", "Information about the instance.", 1, **names)
    uptime = number(info.get("uptime_in_seconds"))
    if uptime is not None:
        sheet.gauge("redis_start_time_seconds", "When the server started, seconds since the epoch.", now - uptime)
    # The peer's mixin records this name; emitted, its panel works without the rule.
    fragmentation = number(info.get("mem_fragmentation_ratio"))
    sheet.gauge("redis_memory_fragmentation_ratio", "Resident over used memory.", fragmentation)


def write_memory(sheet: Sheet, info: Info, *, configured: float | None, container: float | None) -> None:
    """Write a limit and a ratio that are right without maxmemory.

    maxmemory 0 means "no limit"; a ratio over it would be infinite, so the limit is then the first known one of the
    configured limit, the container's, and the machine's memory, in bytes.
    """
    used, most, system = (number(info.get(key)) for key in ("used_memory", "maxmemory", "total_system_memory"))
    limit = most or configured or container or system
    if not limit or used is None:
        return
    text = "maxmemory, or the container's or machine's memory where that is 0."
    sheet.gauge("redis_memory_limit_bytes", text, limit)
    sheet.gauge("redis_memory_used_ratio", "Used memory over redis_memory_limit_bytes.", used / limit)


def write_keyspace(sheet: Sheet, info: Info, *, databases: int) -> None:
    """Write the databases' keys; databases without a key as 0, where it is known how many there are."""
    found = [key for key in info if key[:2] == "db" and key[2:].isdigit()][:_MOST_DATABASES]
    for key in found:
        value = pairs(info[key])
        sheet.gauge("redis_db_keys", "Keys by database.", number(value.get("keys")), db=key)
        sheet.gauge("redis_db_keys_expiring", "Keys that expire, by database.", number(value.get("expires")), db=key)
        for part, metric, scale, text in _KEYSPACE:
            amount = number(value.get(part))
            if amount is not None:
                sheet.gauge(metric, text, amount * scale, db=key)
    empty = [key for key in _PADDED[:databases] if key not in found]
    for name, text in (("redis_db_keys", "Keys by database."),
                       ("redis_db_keys_expiring", "Keys that expire, by database.")):  # fmt: skip
        rows = sheet.family(name, "gauge", text).rows
        rows.extend([(name, f'db="{key}"', "0") for key in empty])


def write_replication(sheet: Sheet, info: Info) -> None:
    """Write a primary's view of its replicas, or a replica's of its primary."""
    for key in info:
        if key[:5] == "slave" and key[5:].isdigit():
            value = pairs(info[key])
            where = {f"slave_{part}": value.get(part, "") for part in ("ip", "port", "state")}
            lag, offset = number(value.get("lag")), number(value.get("offset"))
            # Redis says -1 while a replica has not yet said anything.
            known = None if lag is None or lag < 0 else lag
            sheet.gauge("redis_connected_slave_lag_seconds", "Lag of a replica, in seconds.", known, **where)
            sheet.gauge("redis_connected_slave_offset_bytes", "Offset of a replica.", offset, **where)
    if info.get("role") != "slave":
        return
    master = {"master_host": info.get("master_host", ""), "master_port": info.get("master_port", "")}
    up = info.get("master_link_status") == "up"
    sheet.gauge("redis_master_link_up", "1 while the replica is connected to its master.", up, **master)
    for field in ("master_last_io_seconds_ago", "master_sync_in_progress", "slave_repl_offset"):
        sheet.gauge(f"redis_{field}", f"{field} of INFO.", number(info.get(field)), **master)
    down = number(info.get("master_link_down_since_seconds"))
    sheet.gauge(
        "redis_master_link_down_since_seconds", "Seconds since the link to the master was lost.", down, **master
    )
    read_only = info.get("slave_read_only", "")
    sheet.gauge("redis_slave_info", "Information about the replica.", 1, **master, read_only=read_only)
