"""Which INFO field is which metric: redis_exporter's names."""

import re
from dataclasses import dataclass

from services.collector.sheet import MetricType

# Left the field, right the metric without its `redis_`; a field alone keeps its name.
_GAUGES = """
uptime_in_seconds process_id io_threads_active hz configured_hz connected_clients blocked_clients
tracking_clients clients_in_timeout_table pubsub_clients watching_clients cluster_connections
maxclients=max_clients
client_recent_max_input_buffer=client_recent_max_input_buffer_bytes
client_recent_max_output_buffer=client_recent_max_output_buffer_bytes
used_memory=memory_used_bytes used_memory_rss=memory_used_rss_bytes used_memory_peak=memory_used_peak_bytes
used_memory_lua=memory_used_lua_bytes used_memory_overhead=memory_used_overhead_bytes
used_memory_startup=memory_used_startup_bytes used_memory_dataset=memory_used_dataset_bytes
used_memory_scripts=memory_used_scripts_bytes used_memory_functions=memory_used_functions_bytes
used_memory_vm_eval=memory_used_vm_eval_bytes used_memory_scripts_eval=memory_used_scripts_eval_bytes
used_memory_vm_functions=memory_used_vm_functions_bytes used_memory_vm_total=memory_used_vm_total
maxmemory=memory_max_bytes total_system_memory=total_system_memory_bytes
allocator_active=allocator_active_bytes allocator_allocated=allocator_allocated_bytes
allocator_resident=allocator_resident_bytes allocator_frag_bytes allocator_frag_ratio allocator_rss_bytes
allocator_rss_ratio mem_fragmentation_ratio mem_fragmentation_bytes mem_clients_normal mem_clients_slaves
mem_replication_backlog=mem_replication_backlog_bytes mem_aof_buffer=mem_aof_buffer_bytes
mem_not_counted_for_evict=mem_not_counted_for_eviction_bytes mem_cluster_links=mem_cluster_links_bytes
mem_total_replication_buffers=mem_total_replication_buffers_bytes
active_defrag_running lazyfree_pending_objects lazyfreed_objects loading=loading_dump_file async_loading
rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time=rdb_last_save_timestamp_seconds
rdb_last_bgsave_status rdb_last_bgsave_time_sec=rdb_last_bgsave_duration_sec
rdb_current_bgsave_time_sec=rdb_current_bgsave_duration_sec rdb_last_cow_size=rdb_last_cow_size_bytes
aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled
aof_last_rewrite_time_sec=aof_last_rewrite_duration_sec aof_current_rewrite_time_sec=aof_current_rewrite_duration_sec
aof_last_cow_size=aof_last_cow_size_bytes aof_current_size=aof_current_size_bytes aof_base_size=aof_base_size_bytes
aof_pending_rewrite aof_buffer_length aof_rewrite_buffer_length aof_pending_bio_fsync aof_delayed_fsync
aof_last_bgrewrite_status aof_last_write_status
pubsub_channels pubsub_patterns pubsubshard_channels latest_fork_usec=latest_fork_seconds
instantaneous_ops_per_sec instantaneous_input_kbps instantaneous_output_kbps
expired_stale_perc=expired_stale_percentage
connected_slaves master_repl_offset second_repl_offset repl_backlog_active=repl_backlog_is_active
repl_backlog_size=replication_backlog_bytes repl_backlog_first_byte_offset
repl_backlog_histlen=repl_backlog_history_bytes slave_expires_tracked_keys
sync_full=replica_resyncs_full sync_partial_ok=replica_partial_resync_accepted
sync_partial_err=replica_partial_resync_denied
cluster_enabled number_of_cached_scripts number_of_functions number_of_libraries
active_defrag_hits=defrag_hits active_defrag_misses=defrag_misses
active_defrag_key_hits=defrag_key_hits active_defrag_key_misses=defrag_key_misses
allocator_muzzy=allocator_muzzy_bytes current_eviction_exceeded_time=current_eviction_exceeded_time_ms
instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec
mem_overhead_db_hashtable_rehashing=mem_overhead_db_hashtable_rehashing_bytes
migrate_cached_sockets=migrate_cached_sockets_total module_fork_in_progress module_fork_last_cow_size
rdb_last_load_keys_expired=rdb_last_load_expired_keys rdb_last_load_keys_loaded=rdb_last_load_loaded_keys
slave_priority total_blocking_keys total_blocking_keys_on_nokey total_watched_keys
tracking_total_items tracking_total_keys tracking_total_prefixes
sentinel_masters sentinel_tilt sentinel_running_scripts sentinel_scripts_queue_length sentinel_simulate_failure_flags
"""
_COUNTERS = """
total_connections_received=connections_received_total total_commands_processed=commands_processed_total
rejected_connections=rejected_connections_total total_net_input_bytes=net_input_bytes_total
total_net_output_bytes=net_output_bytes_total total_net_repl_input_bytes=net_repl_input_bytes_total
total_net_repl_output_bytes=net_repl_output_bytes_total expired_keys=expired_keys_total
expired_time_cap_reached_count=expired_time_cap_reached_total
expire_cycle_cpu_milliseconds=expire_cycle_cpu_time_ms_total
evicted_keys=evicted_keys_total evicted_clients=evicted_clients_total
total_eviction_exceeded_time=eviction_exceeded_time_ms_total
keyspace_hits=keyspace_hits_total keyspace_misses=keyspace_misses_total
total_error_replies dump_payload_sanitizations reply_buffer_shrinks=reply_buffer_shrinks_total
reply_buffer_expands=reply_buffer_expands_total rdb_saves=rdb_saves_total
acl_access_denied_auth=acl_access_denied_auth_total acl_access_denied_cmd=acl_access_denied_cmd_total
acl_access_denied_key=acl_access_denied_key_total acl_access_denied_channel=acl_access_denied_channel_total
client_query_buffer_limit_disconnections=client_query_buffer_limit_disconnections_total
client_output_buffer_limit_disconnections=client_output_buffer_limit_disconnections_total
eventloop_cycles=eventloop_cycles_total eventloop_duration_sum=eventloop_duration_sum_usec_total
eventloop_duration_cmd_sum=eventloop_duration_cmd_sum_usec_total evicted_scripts=evicted_scripts_total
expired_subkeys=expired_subkeys_total expired_fields=expired_subkeys_total
io_threaded_reads_processed io_threaded_writes_processed
total_reads_processed total_writes_processed unexpected_error_replies
used_cpu_sys=cpu_sys_seconds_total used_cpu_user=cpu_user_seconds_total
used_cpu_sys_children=cpu_sys_children_seconds_total used_cpu_user_children=cpu_user_children_seconds_total
used_cpu_sys_main_thread=cpu_sys_main_thread_seconds_total
used_cpu_user_main_thread=cpu_user_main_thread_seconds_total
"""
SCALES = {"latest_fork_usec": 1e-6}
INSTANCE = (
    "role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id",
    "process_id", "master_replid",
)  # fmt: skip
# Only where a server has them: Valkey says its own version beside the one of Redis that it is like.
INSTANCE_MORE = ("valkey_version", "valkey_release_stage", "availability_zone")
_WORDS = {"ok": "1", "err": "0", "fail": "0"}
_APART = {"Commandstats", "Errorstats", "Latencystats"}
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Field:
    """One field of INFO and its metric."""

    field: str
    metric: str
    type: MetricType
    help: str


def table() -> list[Field]:
    """Return the plain fields."""
    kinds: tuple[tuple[str, MetricType], ...] = ((_GAUGES, "gauge"), (_COUNTERS, "counter"))
    return [
        Field(field, f"redis_{name or field}", kind, f"{field} of INFO.")
        for text, kind in kinds
        for field, _, name in (item.partition("=") for item in text.split())
    ]


def split_info(text: str) -> tuple[str, dict[str, str]]:
    """Return INFO without the sections that have a line for each command or error, and those by their names."""
    plain, apart = [], {}
    for section in text.split("# "):
        name, _, rest = section.partition("\n")
        if name.strip() in _APART:
            apart[name.strip()] = rest
        else:
            plain.append(rest)
    return "\n".join(plain), apart


def parse_info(text: str) -> dict[str, str]:
    """Return INFO's fields with their values as written."""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line and line[0] != "#")


def pairs(value: str) -> dict[str, str]:
    """Return the parts of a value such as `keys=1,expires=0`."""
    return dict(part.split("=", 1) for part in value.split(",") if "=" in part)


def value_text(field: str, value: str) -> str | None:
    """Return a field's value as a sample's, status words as 1 and 0; None for other text."""
    scale = SCALES.get(field)
    if scale is not None:
        found = number(value)
        return None if found is None else repr(found * scale)
    # Most are whole numbers, and the pattern takes three times as long.
    if value.isdigit():
        return value
    return value if _PLAIN.fullmatch(value) else _WORDS.get(value)


def number(text: str | None) -> float | None:
    """Return a field's number; None for other text and for none."""
    return float(text) if text is not None and _PLAIN.fullmatch(text) else None
