"""Text search over the record: by an index where the server has trigrams, and without one where it has not."""

import asyncpg
import pytest

from services.api.alerts.model import HistoryQuery
from services.api.alerts.record import AlertRecord
from services.common.storage import Database, migrate

pytestmark = pytest.mark.integration
_ROW = """
INSERT INTO alert_history (alert_id, fingerprint, status, name, severity, component, labels, annotations, rule,
                           active_at, starts_at, ends_at, last_event_at)
SELECT 'a' || n, 'f' || n, 'resolved', 'Slow' || n % 7, 'warning', 'redis',
       jsonb_build_object('host', 'Node-' || n, 'severity', 'warning'),
       jsonb_build_object('summary', 'Réponse LENTE', 'description', n % 10 || '% of 100'), '{}', now(),
       now() - n * interval '1 minute', now(), now()
FROM generate_series(1, $1) AS n
"""


async def _fill(dsn, count):
    connection = await asyncpg.connect(dsn)
    await connection.execute(_ROW, count)
    await connection.execute("VACUUM ANALYZE alert_history")
    await connection.close()


async def _found(dsn, **query):
    database = Database(dsn, name="test")
    try:
        return [alert.id for alert in (await AlertRecord(database).page(HistoryQuery(**query)))[0]]
    finally:
        await database.close()


async def test_a_rare_text_is_found_by_the_index(migrated_dsn):
    await _fill(migrated_dsn, 5000)
    assert await _found(migrated_dsn, text="node-4711") == ["a4711"]
    assert await _found(migrated_dsn, text="RÉPONSE lente", limit=2) == ["a1", "a2"]
    assert await _found(migrated_dsn, text="3% of 1", limit=1) == ["a3"]
    # The names of labels are no text of the alert.
    assert await _found(migrated_dsn, text="host") == []
    assert await _found(migrated_dsn, text="3_ of") == []
    connection = await asyncpg.connect(migrated_dsn)
    plan = await connection.fetch(
        "EXPLAIN SELECT * FROM alert_history WHERE search_text LIKE '%node-4711%' ORDER BY starts_at DESC LIMIT 51"
    )
    await connection.close()
    assert "alert_history_text" in "\n".join(row[0] for row in plan)


async def test_a_change_of_the_texts_is_found(migrated_dsn):
    await _fill(migrated_dsn, 1)
    connection = await asyncpg.connect(migrated_dsn)
    await connection.execute('UPDATE alert_history SET annotations = \'{"summary": "Disk is full"}\'')
    await connection.close()
    assert await _found(migrated_dsn, text="disk IS") == ["a1"]
    assert await _found(migrated_dsn, text="lente") == []


async def test_search_works_where_trigrams_may_not_be_installed(postgres_server, postgres_dsn):
    owner = await asyncpg.connect(postgres_dsn)
    name = postgres_dsn.rpartition("/")[2]
    await owner.execute(f"CREATE ROLE guest_{name} LOGIN; GRANT ALL ON SCHEMA public TO guest_{name}")
    try:
        guest = postgres_dsn.replace("//tocsin@", f"//guest_{name}@")
        await migrate(guest)
        await _fill(guest, 20)
        assert await _found(guest, text="node-7") == ["a7"]
        assert not await owner.fetchval("SELECT count(*) FROM pg_indexes WHERE indexname = 'alert_history_text'")
    finally:
        await owner.execute(f"DROP OWNED BY guest_{name}; DROP ROLE guest_{name}")
        await owner.close()
