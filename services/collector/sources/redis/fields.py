"""Which INFO field is which metric: redis_exporter's names."""

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
acl_access_denied_auth=acl_access_denied_auth_total
used_cpu_sys=cpu_sys_seconds_total used_cpu_user=cpu_user_seconds_total
used_cpu_sys_children=cpu_sys_children_seconds_total used_cpu_user_children=cpu_user_children_seconds_total
used_cpu_sys_main_thread=cpu_sys_main_thread_seconds_total
used_cpu_user_main_thread=cpu_user_main_thread_seconds_total
"""
SCALES = {"latest_fork_usec": 1e-6}
_WORDS = {"ok": 1.0, "err": 0.0, "fail": 0.0}
INSTANCE = (
    "role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id",
    "process_id", "master_replid",
)  # fmt: skip


def table() -> list[tuple[str, str, MetricType]]:
    """Return (INFO field, metric, type) of every plain field."""
    kinds: tuple[tuple[str, MetricType], ...] = ((_GAUGES, "gauge"), (_COUNTERS, "counter"))
    rows = []
    for text, kind in kinds:
        for item in text.split():
            field, _, name = item.partition("=")
            rows.append((field, f"redis_{name or field}", kind))
    return rows


def number(value: object) -> float | None:
    """Return a field's number; status words are 1 and 0; None for other text."""
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if text in _WORDS:
        return _WORDS[text]
    try:
        return float(text)
    except ValueError:
        return None
