"""A history writer on a real Postgres behind a proxy that can be cut."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from services.common.config import Shared
from services.common.metric_history import DAY
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.open import open_history
from tests.integration.api.stand_in import Cuttable

NOON = 1_799_971_200.0  # 2027-01-15 08:00 UTC, the start of an hour


@dataclass
class Copy:
    """One evaluator's writer."""

    stack: AsyncExitStack
    telemetry: Telemetry
    writer: Any

    def offer(self, at, value, name="tocsin:queue", **labels):
        self.writer.intake.offer(round(at * 1000), [{"__name__": name, **labels}], [value])

    def figure(self, name, **labels):
        return self.telemetry.registry.get_sample_value(name, labels)

    async def stop(self):
        await self.stack.aclose()


@dataclass
class HistoryRig:
    dsn: str
    data: Path
    postgres: Cuttable
    stack: AsyncExitStack
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    settings: dict[str, Any] = field(default_factory=dict)

    async def start(self, data=None):
        """Start a writer; `data` names another machine's folder."""
        parts = urlsplit(self.dsn)
        dsn = urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.postgres.port}"))
        shared = Shared.model_validate({"data_dir": self.data / (data or "data"), "postgres": {"dsn": dsn}})
        stack = await self.stack.enter_async_context(AsyncExitStack())
        telemetry = Telemetry("evaluator")
        config = HistoryConfig.model_validate(self.settings)
        return Copy(stack, telemetry, open_history(stack, config, shared, clock=self.clock, telemetry=telemetry))

    async def sql(self, query, *args):
        connection = await asyncpg.connect(self.dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *args)]
        finally:
            await connection.close()

    async def samples(self):
        """Time after the start and value of every sample."""
        rows = await self.sql("SELECT extract(epoch FROM at)::float8, value FROM metric_samples ORDER BY at, value")
        return [(at - NOON, value) for at, value in rows]

    async def rollup(self, table):
        columns = "extract(epoch FROM at)::float8, min, max, total, count, last"
        rows = await self.sql(f"SELECT {columns} FROM {table} ORDER BY series_id, at")  # noqa: S608 - a table of ours
        return [(at - NOON, *rest) for at, *rest in rows]

    async def partitions(self, table):
        rows = await self.sql("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass", table)
        return sorted(name for (name,) in rows)


@pytest.fixture
async def history(migrated_dsn, tmp_path):
    async with AsyncExitStack() as stack:
        postgres = Cuttable(urlsplit(migrated_dsn).port)
        await postgres.start()
        stack.push_async_callback(postgres.stop)
        yield HistoryRig(migrated_dsn, tmp_path, postgres, stack)


__all__ = ["DAY", "NOON"]
