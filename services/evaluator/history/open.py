"""Puts the history's parts together."""

import uuid
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

from services.common.clock import Clock
from services.common.config import ConfigError, Shared
from services.common.telemetry import Telemetry
from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.intake import Intake
from services.evaluator.history.spool import Spool, SpoolError, own_folder
from services.evaluator.history.telemetry import HistoryTelemetry

if TYPE_CHECKING:
    from services.common.storage import Database
    from services.evaluator.history.past import Past
    from services.evaluator.history.writer import HistoryWriter

_MEMORY_ROWS = 200_000
_TIMEOUT = 30.0


def open_history(
    stack: AsyncExitStack, config: HistoryConfig, shared: Shared, *, clock: Clock, telemetry: Telemetry
) -> "HistoryWriter | None":
    """Return the writer, None without Postgres or when it is switched off; raises ConfigError."""
    if shared.postgres is None or not config.enabled:
        return None
    from services.common.storage import Database  # noqa: PLC0415 - its driver takes 3 MB, which only a history needs
    from services.evaluator.history.store import HistoryStore  # noqa: PLC0415 - as above
    from services.evaluator.history.writer import HistoryWriter  # noqa: PLC0415 - as above

    try:
        folder = own_folder(stack.enter_context(ExitStack()), shared.data_dir / "evaluator" / "history")
    except SpoolError as error:
        raise ConfigError(f"the history of metrics needs a folder: {error}") from error
    figures = HistoryTelemetry(telemetry)
    database = Database(shared.postgres.resolve(), name="evaluator-history", timeout=_TIMEOUT, max_size=1)
    stack.push_async_callback(database.close)
    # The same name after a crash, so that the lease of the life before is still ours.
    name = folder / "holder"
    if not name.exists():
        name.write_text(uuid.uuid4().hex)
    writer = HistoryWriter(
        config,
        Intake(config.metrics, max_series=config.max_series, capacity=_MEMORY_ROWS, dropped=figures.drop),
        Spool(folder, config.max_backlog_bytes, figures.drop),
        HistoryStore(database, name.read_text().strip(), config.retention),
        clock,
        figures,
    )
    stack.push_async_callback(writer.stop)
    return writer


def open_past(stack: AsyncExitStack, config: HistoryConfig, shared: Shared) -> "Past | None":
    """Return the reader of what was recorded, None where nothing is; it connects at the first question."""
    postgres = shared.postgres
    if postgres is None or not config.enabled:
        return None
    from services.common.storage import Database  # noqa: PLC0415 - as above
    from services.evaluator.history.past import Past  # noqa: PLC0415 - as above

    def connect() -> "Database":
        database = Database(postgres.resolve(), name="evaluator-past", timeout=_TIMEOUT, max_size=2)
        stack.push_async_callback(database.close)
        return database

    return Past(connect)
