"""Checkpoints, background writer and WAL under the names of before and after PostgreSQL 17 and 18, input and output."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import Row, View

_CHECKPOINTER_SINCE = 170_000
_OLD = (
    "checkpoints_timed checkpoints_req checkpoint_write_time checkpoint_sync_time buffers_checkpoint buffers_clean "
    "maxwritten_clean buffers_backend buffers_backend_fsync buffers_alloc"
)
_BGWRITER_TEXT = (
    "pg_stat_bgwriter; since 17 the checkpoints from pg_stat_checkpointer, and the backends' writes and fsyncs, about, "
    "from pg_stat_io (times in milliseconds)"
)
_BGWRITER = View("pg_stat_bgwriter_", counters=f"{_OLD} reset_at=stats_reset", suffix="_total")
# Without `_total`: what dashboards from before postgres_exporter 0.12 ask for.
_BGWRITER_BARE = View("pg_stat_bgwriter_", counters=_OLD)
_CHECKPOINTER = View(
    "pg_stat_checkpointer_",
    counters="num_timed num_requested num_done restartpoints_timed restartpoints_req restartpoints_done write_time "
    "sync_time buffers_written slru_written reset_at=stats_reset",
    suffix="_total",
)
_PAIRS = (
    ("checkpoints_timed", "num_timed"), ("checkpoints_req", "num_requested"), ("checkpoint_write_time", "write_time"),
    ("checkpoint_sync_time", "sync_time"), ("buffers_checkpoint", "buffers_written"),
)  # fmt: skip
_RESET = "coalesce(extract(epoch FROM {table}.stats_reset), 0)::float8 AS {name}"
_BEFORE_17 = f"SELECT b.*, {_RESET.format(table='b', name='reset_at')} FROM pg_stat_bgwriter b"  # noqa: S608 - constant
_SINCE_17 = f"""
SELECT b.*, {_RESET.format(table="b", name="reset_at")}, c.*, {_RESET.format(table="c", name="checkpointer_reset_at")}
FROM pg_stat_bgwriter b, pg_stat_checkpointer c
"""  # noqa: S608 - constants
_WAL_QUERY = "SELECT *, coalesce(extract(epoch FROM stats_reset), 0)::float8 AS reset_at FROM pg_stat_wal"
_WAL_VIEW = View(
    "pg_stat_wal_",
    counters="wal_records=records wal_fpi=fpi wal_bytes=bytes wal_buffers_full=buffers_full wal_write=write "
    "wal_sync=sync wal_write_time=write_time wal_sync_time=sync_time reset_at=stats_reset",
    suffix="_total",
)
_IO_COUNTS = ("reads", "writes", "extends", "hits", "evictions", "reuses", "fsyncs", "writebacks")
_IO_BYTES = ("read_bytes", "write_bytes", "extend_bytes")
_IO_TIMES = ("read_time", "write_time", "extend_time", "fsync_time", "writeback_time")
_IO = View(
    "pg_stat_io_",
    labels="backend_type object context",
    counters=" ".join((*_IO_COUNTS, *_IO_BYTES)),
    suffix="_total",
)
_IO_SECONDS = View(
    "pg_stat_io_",
    labels="backend_type object context",
    counters=" ".join(f"{name}_seconds" for name in _IO_TIMES),
    suffix="_total",
)
# Of eighty kinds a server uses ten or so; those that have done nothing yet are left out.
_IO_QUERY = f"""
SELECT *, {", ".join(f"{name} / 1000 AS {name}_seconds" for name in _IO_TIMES)},
  {" + ".join(f"coalesce({name}, 0)" for name in _IO_TIMES)} > 0 AS timed {{more}}
FROM pg_stat_io WHERE {" + ".join(f"coalesce({name}, 0)" for name in _IO_COUNTS)} > 0
"""  # noqa: S608 - column names above
_IO_SINCE_18 = _IO_QUERY.format(more="")
# Before 18 each operation was of one size.
_IO_BEFORE_18 = _IO_QUERY.format(
    more="".join(f", {name}s * op_bytes AS {name}_bytes" for name in ("read", "write", "extend"))
)
_WAL_IO_SINCE = 180_000
_WAL_IO = {"wal_write": "writes", "wal_sync": "fsyncs", "wal_write_time": "write_time", "wal_sync_time": "fsync_time"}
"""Columns that pg_stat_wal had before 18, and where they went: pg_stat_io's rows of WAL."""


def _io_query(version: int) -> str:
    return _IO_SINCE_18 if version >= _WAL_IO_SINCE else _IO_BEFORE_18


def _writers_query(version: int) -> str:
    return _SINCE_17 if version >= _CHECKPOINTER_SINCE else _BEFORE_17


async def _io(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_io_query(session.version))
    clients = [row for row in rows if row["backend_type"] == "client backend" and row["object"] == "relation"]
    facts = session.memory.facts
    facts["buffers_backend"] = float(sum((row["writes"] or 0) + (row["extends"] or 0) for row in clients))
    facts["buffers_backend_fsync"] = float(sum(row["fsyncs"] or 0 for row in clients))
    if session.version >= _WAL_IO_SINCE:
        # To fill a new segment (context init) was no write of WAL in the old count.
        wal = [row for row in rows if row["object"] == "wal" and row["context"] == "normal"]
        facts.update({old: float(sum(row[new] or 0 for row in wal)) for old, new in _WAL_IO.items()})
    _IO.write(sheet, rows, "pg_stat_io")
    _IO_SECONDS.write(sheet, [row for row in rows if row["timed"]], "pg_stat_io, where track_io_timing is on")


async def _writers(session: Session, sheet: Sheet) -> None:
    background: Row
    checkpointer: Row
    (row,) = await session.fetch(_writers_query(session.version))
    if session.version >= _CHECKPOINTER_SINCE:
        checkpointer = {**dict(row), "reset_at": row["checkpointer_reset_at"]}
        facts = session.memory.facts
        backends = {name: facts.get(name) for name in ("buffers_backend", "buffers_backend_fsync")}
        background = {**dict(row), **{old: row[new] for old, new in _PAIRS}, **backends}
    else:
        background = row
        checkpointer = {**{new: background[old] for old, new in _PAIRS}, "reset_at": background["reset_at"]}
    _BGWRITER.write(sheet, [background], _BGWRITER_TEXT)
    if session.target.compat:
        _BGWRITER_BARE.write(sheet, [background], _BGWRITER_TEXT)
    _CHECKPOINTER.write(sheet, [checkpointer], "pg_stat_checkpointer; before 17 from pg_stat_bgwriter")


async def _wal(session: Session, sheet: Sheet) -> None:
    rows: list[Row] = await session.fetch(_WAL_QUERY)
    if session.version >= _WAL_IO_SINCE and session.target.compat:
        facts = session.memory.facts
        rows = [{**dict(row), **{name: facts.get(name) for name in _WAL_IO}} for row in rows]
    _WAL_VIEW.write(sheet, rows, "pg_stat_wal; since 18 writes and syncs from pg_stat_io (times in milliseconds)")


COLLECTORS = (
    PostgresCollector("stat_io", _io, needs=160_000, ahead=_io_query),
    PostgresCollector("stat_bgwriter", _writers, ahead=_writers_query),
    PostgresCollector("stat_wal", _wal, needs=140_000, ahead=lambda _version: _WAL_QUERY),
)
