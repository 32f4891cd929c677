"""Query times from pg_stat_statements, where the extension is in the connected database."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import MARK, PostgresCollector, Session
from services.collector.sources.postgres.estimate import quantile, totals

_QUANTILES = (0.5, 0.9, 0.95, 0.99)
_PRESENT = (
    "SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = $1"
)
# Names can't be bound; the schema comes from the catalogue and is quoted.
_TIMES = """
SELECT userid, dbid, queryid, toplevel, calls::float8, mean_exec_time AS mean, stddev_exec_time AS deviation
FROM {schema}.pg_stat_statements(false) WHERE queryid IS NOT NULL ORDER BY total_exec_time DESC LIMIT $1
"""
_INFO = "SELECT extract(epoch FROM stats_reset)::float8 AS at, dealloc FROM {schema}.pg_stat_statements_info"
_OWN = "SELECT queryid FROM {schema}.pg_stat_statements(true) WHERE query LIKE $1"
_MOST = 5000
_LEARN_AT = frozenset({1, 2, 3})
_LEARN_EVERY = 200
_TEXT = "ESTIMATE of query times in the last interval (lognormal mixture over pg_stat_statements); exact: the app's own"


async def _learn_own(session: Session, schema: str) -> None:
    # Our own statements would be part of what we measure. Reading the texts is dear, so it is done when a new
    # collector has had time to run them all, and seldom after that (a statement that was evicted comes back as it was).
    if session.memory.scrapes in _LEARN_AT or session.memory.scrapes % _LEARN_EVERY == 0:
        rows = await session.fetch(_OWN.format(schema=schema), f"%{MARK}")
        session.memory.own_statements.update(row["queryid"] for row in rows)


async def _statements(session: Session, sheet: Sheet) -> None:
    present = await session.fetch(_PRESENT, "pg_stat_statements")
    sheet.gauge("pg_stat_statements_available", "1 where the extension is in the connected database.", bool(present))
    if not present:
        return
    schema = '"' + present[0]["schema"].replace('"', '""') + '"'
    rows = await session.fetch(_TIMES.format(schema=schema), _MOST)
    (info,) = await session.fetch(_INFO.format(schema=schema))
    await _learn_own(session, schema)
    now = {}
    for row in rows:
        if row["queryid"] in session.memory.own_statements:
            continue
        key = (row["userid"], row["dbid"], row["queryid"], row["toplevel"])
        now[key] = totals(row["calls"], row["mean"] / 1000, row["deviation"] / 1000)
    deltas = session.memory.query_times.advance(now, info["at"])
    if deltas is not None:
        for q in _QUANTILES:
            sheet.gauge("pg_query_duration_estimate_seconds", _TEXT, quantile(deltas, q), quantile=str(q))
    sheet.counter(
        "pg_stat_statements_deallocations_total", "Statements that were evicted for want of room.", info["dealloc"]
    )


COLLECTORS = (PostgresCollector("stat_statements", _statements, needs=140_000),)
