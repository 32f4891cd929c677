"""pg_stat_statements: the statements that take the most time, and an estimate of query times."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import MARK, Fetch, PostgresCollector, Session
from services.collector.sources.postgres.columns import Row, View
from services.collector.sources.postgres.estimate import quantile, totals
from services.collector.sources.postgres.others import Others, best_of

_Key: TypeAlias = tuple[str, str, str]
_QUANTILES = (0.5, 0.9, 0.95, 0.99)
# Names can't be bound; the schema comes from the catalogue and is quoted.
_TIMES = """
SELECT s.userid, s.dbid, s.queryid, {toplevel} AS toplevel, r.rolname, d.datname, s.calls::float8,
  s.mean_exec_time AS mean, s.stddev_exec_time AS deviation, s.total_exec_time AS total, s.rows::float8,
  {read} AS read_time, {write} AS write_time
FROM {schema}.pg_stat_statements(false) s
LEFT JOIN pg_roles r ON r.oid = s.userid LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.queryid IS NOT NULL ORDER BY s.total_exec_time DESC LIMIT $1
"""
_INFO = "SELECT extract(epoch FROM stats_reset)::float8 AS at, dealloc FROM {schema}.pg_stat_statements_info"
_OWN = "SELECT queryid FROM {schema}.pg_stat_statements(true) WHERE query LIKE $1"
_TEXTS = "SELECT queryid, left(query, 4000) AS query FROM {schema}.pg_stat_statements(true) WHERE queryid = ANY($1)"
_MOST = 5000
_TEXT_LENGTH = 120
_LEARN_AT = frozenset({1, 2, 3})
_LEARN_EVERY = 200
_INFO_SINCE, _RENAMED_SINCE = 140_000, 170_000
_ESTIMATE = (
    "ESTIMATE of query times in the last interval (lognormal mixture over pg_stat_statements); exact: the app's own"
)
_COUNTED = ("calls", "seconds", "rows", "block_read_seconds", "block_write_seconds")
_STATEMENTS = View("pg_stat_statements_", labels="user datname queryid", counters=" ".join(_COUNTED), suffix="_total")
_SECONDS = 1


def _statement(version: int, schema: str) -> str:
    new = version >= _RENAMED_SINCE
    return _TIMES.format(
        schema=schema,
        toplevel="s.toplevel" if version >= _INFO_SINCE else "true",
        read="s.shared_blk_read_time + s.local_blk_read_time" if new else "s.blk_read_time",
        write="s.shared_blk_write_time + s.local_blk_write_time" if new else "s.blk_write_time",
    )


async def _learn_own(session: Session, fetch: Fetch, schema: str) -> None:
    # Our own statements would be part of what we measure. Reading the texts is dear, so it is done when a new
    # collector has had time to run them all, and seldom after that (a statement that was evicted comes back as it was).
    memory = session.memory
    if memory.scrapes in _LEARN_AT or memory.scrapes % _LEARN_EVERY == 0 or memory.new_statements:
        memory.new_statements = False
        rows = await fetch(_OWN.format(schema=schema), f"%{MARK}")
        session.memory.own_statements.update(row["queryid"] for row in rows)


def _by_statement(rows: Sequence[Row]) -> dict[_Key, list[float]]:
    # One statement may stand there twice, called by itself and from within a function: one series, both together.
    merged: dict[_Key, list[float]] = {}
    for row in rows:
        key = (row["rolname"] or "", row["datname"] or "", str(row["queryid"]))
        new = (row["calls"], row["total"] / 1000, row["rows"], row["read_time"] / 1000, row["write_time"] / 1000)
        old = merged.get(key)
        merged[key] = list(new) if old is None else [a + b for a, b in zip(old, new, strict=True)]
    return merged


def _write_statements(session: Session, sheet: Sheet, rows: Sequence[Row]) -> list[_Key]:
    most = session.target.top_statements
    values = _by_statement(rows)
    others: Others[_Key] = session.memory.others.setdefault(("statements", ""), Others())
    best = best_of(values, lambda one: one[_SECONDS], most) if others.due(session.now) else None
    shown, rest = others.take(values, [0.0] * len(_COUNTED), best, most, session.now)
    lines: list[dict[str, Any]] = [_line(key, values[key]) for key in shown]
    if len(values) > len(shown):
        lines.append(_line(("", "", "other"), rest))
    _STATEMENTS.write(sheet, lines, "pg_stat_statements; queryid other: all that have no series of their own")
    return shown


def _line(key: _Key, values: Sequence[float]) -> dict[str, Any]:
    user, database, queryid = key
    return {"user": user, "datname": database, "queryid": queryid, **dict(zip(_COUNTED, values, strict=True))}


async def _statements(session: Session, sheet: Sheet) -> None:
    fetch, schema = await _where(session)
    sheet.gauge("pg_stat_statements_available", "1 where any database has the extension.", bool(schema))
    if not schema:
        return
    rows = await fetch(_statement(session.version, schema), _MOST)
    reset_at = 0.0
    if session.version >= _INFO_SINCE:
        (info,) = await fetch(_INFO.format(schema=schema))
        reset_at = info["at"]
        text = "Statements that were evicted for want of room."
        sheet.counter("pg_stat_statements_deallocations_total", text, info["dealloc"])
    await _learn_own(session, fetch, schema)
    own = session.memory.own_statements
    now = {}
    for row in rows:
        if row["queryid"] not in own:
            key = (row["userid"], row["dbid"], row["queryid"], row["toplevel"])
            now[key] = totals(row["calls"], row["mean"] / 1000, row["deviation"] / 1000)
    deltas = session.memory.query_times.advance(now, reset_at)
    if deltas is not None:
        for q in _QUANTILES:
            sheet.gauge("pg_query_duration_estimate_seconds", _ESTIMATE, quantile(deltas, q), quantile=str(q))
    session.memory.shown_statements = [key[2] for key in _write_statements(session, sheet, rows)]


async def _texts(session: Session, sheet: Sheet) -> None:
    (fetch, schema), texts = await _where(session), session.memory.texts
    shown = [int(queryid) for queryid in session.memory.shown_statements]
    if not schema or not shown:
        return
    unknown = [queryid for queryid in shown if queryid not in texts]
    if unknown:
        for row in await fetch(_TEXTS.format(schema=schema), unknown):
            texts[row["queryid"]] = " ".join(row["query"].split())[:_TEXT_LENGTH]
    for queryid in dict.fromkeys(shown):
        labels = {"queryid": queryid, "query": texts.get(queryid, "")}
        sheet.gauge("pg_stat_statements_query_id", "Always 1; a statement's text, shortened.", 1, **labels)
    for queryid in set(texts) - set(shown):
        del texts[queryid]


async def _where(session: Session) -> tuple[Fetch, str]:
    # The view shows the statements of all databases in whichever one has the extension.
    schema, elsewhere = session.memory.statements_schema, session.memory.statements_elsewhere
    fetch = session.fetch
    if schema is None and elsewhere is not None and session.open_other is not None:
        database, schema = elsewhere
        fetch = await session.open_other(database)
    return fetch, "" if schema is None else '"' + schema.replace('"', '""') + '"'


COLLECTORS = (
    PostgresCollector("stat_statements", _statements, needs=130_000),
    # Texts may hold what their authors wrote into them, and make long labels.
    PostgresCollector("stat_statements_texts", _texts, needs=130_000, enabled=False, interval=60.0),
)
