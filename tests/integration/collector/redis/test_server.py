import asyncio

import pytest
from redis.asyncio import Redis

from tests.fixtures.waiting import in_time
from tests.integration.collector.conftest import OwnServer, Start


@pytest.fixture
async def client(redis_url: str):
    client = Redis.from_url(redis_url, decode_responses=True)
    yield client
    await client.config_set("maxmemory", 0)
    await client.aclose()


async def test_says_what_widgets_and_packs_need(start: Start, redis_url: str, client: Redis) -> None:
    await client.set("a", 1)
    await client.get("a")
    await client.get("missing")
    await client.config_set("maxmemory", 100 * 1024**2)
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="cache"}'] == 1
    assert found['redis_keyspace_hits_total{target="cache"}'] >= 1
    assert found['redis_keyspace_misses_total{target="cache"}'] >= 1
    assert found['redis_memory_limit_bytes{target="cache"}'] == 100 * 1024**2
    used = found['redis_memory_used_bytes{target="cache"}']
    assert found['redis_memory_used_ratio{target="cache"}'] == pytest.approx(used / (100 * 1024**2))
    assert found['redis_connected_clients{target="cache"}'] >= 2
    assert found['redis_commands_total{target="cache",cmd="get"}'] >= 2
    assert found['redis_db_keys{target="cache",db="db0"}'] == 1
    assert found['redis_evicted_keys_total{target="cache"}'] == 0
    assert found['redis_exporter_last_scrape_error{target="cache",err=""}'] == 0
    assert found['tocsin_target_up{target="cache",kind="redis"}'] == 1


async def test_without_maxmemory_the_machine_is_the_limit(start: Start, redis_url: str, client: Redis) -> None:
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    found = await running.samples("/metrics/redis")
    assert found['redis_memory_max_bytes{target="cache"}'] == 0
    system = found['redis_total_system_memory_bytes{target="cache"}']
    assert found['redis_memory_limit_bytes{target="cache"}'] == system
    assert 0 < found['redis_memory_used_ratio{target="cache"}'] < 1


async def test_one_connection_and_four_commands_per_scrape(start: Start, redis_url: str, client: Redis) -> None:
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    await running.samples("/metrics/redis")
    before = await client.info("all")
    for _ in range(10):
        await running.samples("/metrics/redis")
    after = await client.info("all")
    # One of the counted commands is our own INFO.
    assert after["total_commands_processed"] - before["total_commands_processed"] - 1 == 40
    assert after["total_connections_received"] == before["total_connections_received"]


async def test_refused(start: Start, redis_url: str) -> None:
    running = await start(
        {"redis": [{"name": "gone", "url": "redis://127.0.0.1:1/0"}, {"name": "here", "url": redis_url}]}
    )
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="gone"}'] == 0
    assert found['tocsin_target_error{target="gone",kind="redis",reason="refused"}'] == 1
    assert found['redis_up{target="here"}'] == 1


async def test_wrong_password_is_named_and_a_new_one_in_the_file_is_taken(
    start: Start, own_redis: OwnServer, tmp_path
) -> None:
    async with Redis(port=own_redis.port) as admin:
        await admin.config_set("requirepass", "right")
    (tmp_path / "password").write_text("wrong\n")
    running = await start({
        "redis": [{"name": "cache", "url": f"redis://127.0.0.1:{own_redis.port}", "password_file": "password"}]
    })  # fmt: skip
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="cache"}'] == 0
    assert found['redis_exporter_last_scrape_error{target="cache",err="auth"}'] == 1
    (tmp_path / "password").write_text("right\n")
    assert (await running.samples("/metrics/redis"))['redis_up{target="cache"}'] == 1


async def test_missing_password_is_a_matter_of_auth(start: Start, own_redis: OwnServer) -> None:
    async with Redis(port=own_redis.port) as admin:
        await admin.config_set("requirepass", "right")
    running = await start({"redis": [{"name": "cache", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    found = await running.samples("/metrics/redis")
    assert found['tocsin_target_error{target="cache",kind="redis",reason="auth"}'] == 1


async def test_a_user_without_slowlog_still_gives_the_rest(start: Start, own_redis: OwnServer) -> None:
    async with Redis(port=own_redis.port) as admin:
        await admin.execute_command("ACL", "SETUSER", "watch", "on", ">pw", "+info", "+latency")
    running = await start({
        "redis": [
            {"name": "cache", "url": f"redis://127.0.0.1:{own_redis.port}", "username": "watch", "password": "pw"}
        ]
    })  # fmt: skip
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="cache"}'] == 1
    assert found['redis_scrape_collector_success{target="cache",collector="slowlog"}'] == 0
    assert found['redis_scrape_collector_success{target="cache",collector="info"}'] == 1
    assert found['redis_exporter_last_scrape_error{target="cache",err="permission"}'] == 1


async def test_a_hung_server_is_down_in_time_and_delays_nobody(
    start: Start, own_redis: OwnServer, redis_url: str
) -> None:
    running = await start({
        "redis": [
            {"name": "hung", "url": f"redis://127.0.0.1:{own_redis.port}"}, {"name": "well", "url": redis_url},
        ]
    })  # fmt: skip
    assert (await running.samples("/metrics/redis"))['redis_up{target="hung"}'] == 1
    own_redis.hang()
    with in_time(1.5):
        found = await running.samples("/metrics/redis", scrape=1.5)
    assert found['redis_up{target="hung"}'] == 0
    assert found['tocsin_target_error{target="hung",kind="redis",reason="timeout"}'] == 1
    assert found['redis_up{target="well"}'] == 1
    own_redis.resume()
    assert (await running.samples("/metrics/redis"))['redis_up{target="hung"}'] == 1


async def test_scrapes_at_the_same_time_share_one(start: Start, redis_url: str, client: Redis) -> None:
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    pages = await asyncio.gather(*(running.samples("/metrics/redis") for _ in range(8)))
    assert {page['redis_up{target="cache"}'] for page in pages} == {1.0}
    names = [one["name"] for one in await client.client_list()]
    assert names.count("tocsin-collector") == 1


async def test_nothing_is_left_open_after_many_failures(start: Start, own_redis: OwnServer) -> None:
    running = await start({"redis": [{"name": "cache", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    own_redis.hang()
    for _ in range(5):
        await running.samples("/metrics/redis", scrape=0.2)
    own_redis.resume()
    await running.samples("/metrics/redis")
    async with Redis(port=own_redis.port) as admin:
        for _ in range(100):
            names = [client["name"] for client in await admin.client_list()]
            if names.count("tocsin-collector") == 1:
                break
    assert names.count("tocsin-collector") == 1
