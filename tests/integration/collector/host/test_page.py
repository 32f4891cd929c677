"""The host's page, as a scraper gets it."""

import os

from tests.integration.collector.conftest import Start

NAMES = """
node_boot_time_seconds node_context_switches_total node_cpu_seconds_total node_disk_io_time_seconds_total
node_filesystem_avail_bytes node_filesystem_files node_filesystem_files_free node_filesystem_free_bytes
node_filesystem_readonly node_filesystem_size_bytes node_load1 node_load15 node_load5 node_memory_Buffers_bytes
node_memory_Cached_bytes node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_memory_MemTotal_bytes
node_memory_SwapFree_bytes node_memory_SwapTotal_bytes node_network_receive_bytes_total
node_network_transmit_bytes_total node_time_seconds node_uname_info
node_scrape_collector_success node_exporter_build_info
"""


async def test_the_page_has_node_exporters_names(start: Start) -> None:
    group = {"name": "me", "cmdline": "pytest"}
    running = await start({"host": [{"name": "here", "processes": [group]}]})
    found = await running.samples("/metrics/host")
    names = {name.partition("{")[0] for name in found}
    missing = set(NAMES.split()) - names
    # A container may have no disk of its own.
    assert missing <= {"node_disk_io_time_seconds_total"}
    assert found['tocsin_target_up{target="here",kind="host"}'] == 1
    assert found['node_cpu_seconds_total{target="here",cpu="0",mode="idle"}'] > 0
    assert found['namedprocess_namegroup_num_procs{target="here",groupname="me"}'] >= 1
    assert 0 < found['host_memory_used_ratio{target="here"}'] < 1
    assert len([name for name in found if name.startswith("node_load1{")]) == 1
    assert abs(found['node_load1{target="here"}'] - os.getloadavg()[0]) < 5


async def test_switches(start: Start) -> None:
    running = await start({"host": [{"name": "here", "collectors": {"cpu": {"enabled": False}}}]})
    found = await running.samples("/metrics/host")
    assert 'node_cpu_seconds_total{target="here",cpu="0",mode="idle"}' not in found
    assert 'node_load1{target="here"}' in found
