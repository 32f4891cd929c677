"""A primary and a standby that streams from it, then one whose primary has gone."""

import asyncio

import pytest

from tests.fixtures.waiting import until
from tests.integration.collector.conftest import Start
from tests.integration.collector.postgres.clusters import Cluster, standby


@pytest.fixture
async def pair(cluster: Cluster):
    replica = await asyncio.to_thread(standby, cluster, "spare")
    try:
        yield cluster, await replica.ready()
    finally:
        replica.remove()


async def test_both_sides_tell_how_far_the_standby_is(start: Start, pair: tuple[Cluster, Cluster]) -> None:
    primary, replica = pair
    running = await start({
        "postgres": [{"name": "primary", "dsn": primary.dsn()}, {"name": "replica", "dsn": replica.dsn()}]
    })  # fmt: skip
    await primary.run("CREATE TABLE orders (id int)", "INSERT INTO orders SELECT generate_series(1, 1000)")

    async def streaming() -> bool:
        found = await running.samples("/metrics/postgres")
        return found.get('pg_wal_receiver_up{target="replica"}') == 1

    await until(streaming)
    found = await running.samples("/metrics/postgres")
    assert found['pg_replication_is_replica{target="primary"}'] == 0
    assert found['pg_replication_is_replica{target="replica"}'] == 1
    assert 'pg_wal_receiver_up{target="primary"}' not in found
    assert found['pg_wal_receiver_last_msg_age_seconds{target="replica"}'] < 60
    labels = 'application_name="walreceiver",client_addr="127.0.0.1/32",state="streaming",slot_name="spare"'
    where = f'{{target="primary",{labels}}}'
    for phase in ("write", "flush", "replay"):
        assert 0 <= found[f"pg_stat_replication_{phase}_lag_seconds{where}"] < 60
    assert found["pg_stat_replication_pg_wal_lsn_diff" + where] >= 0
    assert found["pg_stat_replication_reply_time" + where] > 1.7e9
    assert found['pg_replication_slots_active{target="primary",slot_name="spare",database=""}'] == 1
    slot = '{target="primary",slot_name="spare",slot_type="physical",wal_status="reserved"}'
    assert found["pg_replication_slots_wal_status" + slot] == 1
    receiver = [name for name in found if name.startswith("pg_stat_wal_receiver_flushed_lsn")]
    labels = 'upstream_host="127.0.0.1",slot_name="spare",status="streaming"'
    assert receiver == [f'pg_stat_wal_receiver_flushed_lsn{{target="replica",{labels}}}']
    conflicts = {name for name in found if name.startswith("pg_stat_database_conflicts_confl_lock{")}
    assert conflicts
    assert all('target="replica"' in name for name in conflicts)
    for target in ("primary", "replica"):
        assert found[f'pg_exporter_last_scrape_error{{target="{target}"}}'] == 0


async def test_a_standby_that_lost_its_primary_says_so_though_its_lag_is_nothing(
    start: Start, pair: tuple[Cluster, Cluster]
) -> None:
    primary, replica = pair
    running = await start({"postgres": [{"name": "replica", "dsn": replica.dsn()}]})

    async def up(value: float) -> bool:
        found = await running.samples("/metrics/postgres")
        return found.get('pg_wal_receiver_up{target="replica"}') == value

    await until(lambda: up(1))
    primary.end()
    await until(lambda: up(0))
    first = (await running.samples("/metrics/postgres"))['pg_wal_receiver_last_msg_age_seconds{target="replica"}']

    async def older() -> bool:
        found = await running.samples("/metrics/postgres")
        return found['pg_wal_receiver_last_msg_age_seconds{target="replica"}'] > first + 0.5

    await until(older)
    found = await running.samples("/metrics/postgres")
    assert found['pg_up{target="replica"}'] == 1
    assert found['pg_replication_lag_seconds{target="replica"}'] == 0, "as the peer has it: all that came is replayed"
    assert found['pg_exporter_last_scrape_error{target="replica"}'] == 0


async def test_a_slot_that_nobody_reads(start: Start, newest: Cluster) -> None:
    await newest.run("SELECT pg_create_physical_replication_slot('left', true)", "CREATE TABLE t AS SELECT 1 AS n")
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn()}]})
    found = await running.samples("/metrics/postgres")
    assert found['pg_replication_slots_active{target="db",slot_name="left",database=""}'] == 0
    assert found['pg_replication_slots_pg_wal_lsn_diff{target="db",slot_name="left",database=""}'] > 0
    assert found['pg_replication_slot_slot_is_active{target="db",slot_name="left",slot_type="physical"}'] == 0
