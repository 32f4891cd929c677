"""Clusters and Sentinels of real servers."""

from redis import Redis

from tests.fixtures.waiting import in_time
from tests.integration.collector.conftest import OwnServer, Start
from tests.integration.collector.redis.servers import wait_until


def up(found: dict[str, float], server: OwnServer, target: str = "c") -> float | None:
    return found.get(f'redis_up{{target="{target}",node="127.0.0.1:{server.port}"}}')


async def test_all_nodes_of_a_cluster_are_found_by_one(start: Start, cluster: list[OwnServer]) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://localhost:{cluster[0].port}", "discover": "cluster"}
    ]})  # fmt: skip
    for _ in range(2):
        found = await running.samples("/metrics/redis")
        assert [up(found, server) for server in cluster] == [1, 1, 1, 1]
        assert len([name for name in found if name.startswith("redis_up{")]) == 4
        assert found['redis_nodes{target="c"}'] == found['redis_nodes_up{target="c"}'] == 4
    node = f'target="c",node="127.0.0.1:{cluster[1].port}"'
    assert found[f"redis_cluster_state{{{node}}}"] == 1
    assert found[f"redis_cluster_slots_assigned{{{node}}}"] == 16_384
    assert found[f"redis_cluster_slots_fail{{{node}}}"] == 0
    assert found[f"redis_cluster_known_nodes{{{node}}}"] == 4
    assert found[f"redis_cluster_enabled{{{node}}}"] == 1
    assert found[f'redis_db_keys{{{node},db="db0"}}'] == 0
    replica = f'target="c",node="127.0.0.1:{cluster[3].port}",master_host="127.0.0.1",master_port="{cluster[0].port}"'
    assert found[f"redis_master_link_up{{{replica}}}"] == 1


async def test_a_node_that_hangs_is_down_in_time_and_the_others_are_well(
    start: Start, cluster: list[OwnServer]
) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{cluster[0].port}", "discover": "cluster"}
    ]})  # fmt: skip
    await running.samples("/metrics/redis")
    # The one that is asked for the others: the next scrape finds another to ask.
    cluster[0].hang()
    with in_time(2.0):
        found = await running.samples("/metrics/redis", scrape=2.0)
    assert [up(found, server) for server in cluster] == [0, 1, 1, 1]
    assert found['tocsin_target_up{target="c",kind="redis"}'] == 1
    node = f'target="c",node="127.0.0.1:{cluster[0].port}"'
    assert found[f'redis_exporter_last_scrape_error{{{node},err="timeout"}}'] == 1
    cluster[0].resume()
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in cluster] == [1, 1, 1, 1]


async def test_a_node_that_went_is_down_until_it_is_forgotten(start: Start, cluster: list[OwnServer]) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{cluster[0].port}", "discover": "cluster"}
    ]})  # fmt: skip
    with Redis(port=cluster[3].port, decode_responses=True) as client:
        gone = client.execute_command("CLUSTER MYID")
    cluster[3].end()
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in cluster] == [1, 1, 1, 0]
    for server in cluster[:3]:
        with Redis(port=server.port, decode_responses=True) as client:
            client.execute_command("CLUSTER FORGET", gone)
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in cluster] == [1, 1, 1, None]


async def test_a_node_that_was_taken_out_does_not_hide_the_others(start: Start, cluster: list[OwnServer]) -> None:
    replica = cluster[3]
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{replica.port}", "discover": "cluster"}
    ]})  # fmt: skip
    await running.samples("/metrics/redis")
    # It was asked for the others until now, and knows none any more.
    with Redis(port=replica.port, decode_responses=True) as client:
        gone = client.execute_command("CLUSTER MYID")
        client.execute_command("CLUSTER RESET")
    for server in cluster[:3]:
        with Redis(port=server.port, decode_responses=True) as client:
            client.execute_command("CLUSTER FORGET", gone)
    for _ in range(3):
        found = await running.samples("/metrics/redis")
        assert [up(found, server) for server in cluster[:3]] == [1, 1, 1]
    assert up(found, replica) is None


async def test_a_cluster_that_is_down_altogether_is_said_to_be(start: Start, cluster: list[OwnServer]) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{cluster[0].port}", "discover": "cluster"}
    ]})  # fmt: skip
    await running.samples("/metrics/redis")
    for server in cluster:
        server.end()
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in cluster] == [0, 0, 0, 0]
    assert found['tocsin_target_error{target="c",kind="redis",reason="refused"}'] == 1


async def test_keys_are_read_where_they_are(start: Start, cluster: list[OwnServer]) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{cluster[0].port}", "discover": "cluster",
         "keys": [{"key": "job"}, {"pattern": "*"}], "streams": [{"key": "log"}]}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    sizes = [name for name in found if name.startswith("redis_key_size{") and 'key="job"' in name]
    assert len(sizes) == 1
    assert len([name for name in found if name.startswith("redis_stream_length{")]) == 1
    assert len([name for name in found if name.startswith("redis_keys_count{")]) == 3
    failed = [name for name, value in found.items() if name.startswith("redis_scrape_collector_success{") and not value]
    assert failed == []


async def test_a_seed_of_another_name_finds_all_again(start: Start, cluster: list[OwnServer]) -> None:
    running = await start({"redis": [
        {"name": "c", "url": "redis://127.0.0.1:1", "seeds": [f"redis://localhost:{cluster[2].port}"],
         "discover": "cluster"}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in cluster] == [1, 1, 1, 1]
    assert 'redis_up{target="c",node="127.0.0.1:1"}' not in found


async def test_what_sentinels_watch(start: Start, watched: tuple[OwnServer, OwnServer, OwnServer]) -> None:
    primary, replica, sentinel = watched
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{sentinel.port}", "discover": "sentinel", "sentinel_masters": ["shop"]}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in watched] == [1, 1, 1]
    node = f'target="c",node="127.0.0.1:{sentinel.port}"'
    labels = f'{node},master_name="shop",master_address="127.0.0.1:{primary.port}"'
    assert found[f"redis_sentinel_masters{{{node}}}"] == 1
    assert found[f'redis_sentinel_master_status{{{labels},master_status="ok"}}'] == 1
    assert found[f"redis_sentinel_master_slaves{{{labels}}}"] == 1
    assert found[f"redis_sentinel_master_ok_slaves{{{labels}}}"] == 1
    assert found[f"redis_sentinel_master_sentinels{{{labels}}}"] == 1
    assert found[f"redis_sentinel_master_ok_sentinels{{{labels}}}"] == 1
    assert found[f"redis_sentinel_master_setting_ckquorum{{{labels}}}"] == 1
    assert found[f"redis_sentinel_master_setting_down_after_milliseconds{{{labels}}}"] == 1000
    assert found[f'redis_sentinel_master_ckquorum_status{{{node},master_name="shop",message="OK"}}'] == 1
    on_primary = f'target="c",node="127.0.0.1:{primary.port}"'
    assert found[f"redis_connected_slaves{{{on_primary}}}"] == 1
    replica.end()
    with Redis(port=sentinel.port, decode_responses=True) as client:
        wait_until(
            lambda: "s_down" in str(client.execute_command("SENTINEL REPLICAS", "shop")), "the replica is not missed"
        )
    found = await running.samples("/metrics/redis")
    assert [up(found, server) for server in watched] == [1, 0, 1]
    assert found[f"redis_sentinel_master_ok_slaves{{{labels}}}"] == 0


async def test_a_sentinel_by_itself(start: Start, watched: tuple[OwnServer, OwnServer, OwnServer]) -> None:
    running = await start({"redis": [{"name": "s", "url": f"redis://127.0.0.1:{watched[2].port}"}]})
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="s"}'] == 1
    assert found['redis_sentinel_tilt{target="s"}'] == 0
    assert found['redis_exporter_last_scrape_error{target="s",err=""}'] == 0
    assert 'redis_nodes{target="s"}' not in found


async def test_a_master_that_the_sentinel_does_not_know(
    start: Start, watched: tuple[OwnServer, OwnServer, OwnServer]
) -> None:
    running = await start({"redis": [
        {"name": "c", "url": f"redis://127.0.0.1:{watched[2].port}", "discover": "sentinel", "sentinel_masters": ["no"]}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    node = f'target="c",node="127.0.0.1:{watched[2].port}"'
    assert found[f'redis_sentinel_master_missing{{{node},master_name="no"}}'] == 1
    assert up(found, watched[0]) is None
