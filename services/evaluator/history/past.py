"""The recorded past as the query engine reads samples: for questions that reach beyond what the head keeps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import orjson

from services.common.storage import Database, Queries
from services.evaluator.promql import Block, EvaluationError, Matcher

MOST_SERIES = 200
SAMPLES_SECONDS = 26 * 3600.0
"""Up to so much time is read sample by sample; more by the last value of each minute."""
_SQL = Queries(Path(__file__).parent / "past.sql")
_NAME = "__name__"


class Past:
    """Reads recorded series out of Postgres; `open_database` is called at the first question."""

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._open = open_database
        self._database: Database | None = None

    async def blocks(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Block]:
        """Return the samples with start < t <= end of recorded series, a block each; none where none is recorded.

        Raises StorageUnavailableError, and EvaluationError for too many series.
        """
        if self._database is None:
            self._database = self._open()
        found = await self._series(self._database, matchers, start_ms)
        if not found:
            return []
        fine = end_ms - start_ms <= SAMPLES_SECONDS * 1000
        rows = await self._database.fetch(_SQL["samples" if fine else "minutes"], list(found), start_ms, end_ms)
        return [
            Block(
                labels=(found[row["series_id"]],),
                times=np.array(row["times"], np.int64),
                values=np.array([row["values"]], np.float64),
                layout=("past", row["series_id"]),
            )
            for row in rows
        ]

    @staticmethod
    async def _series(database: Database, matchers: Sequence[Matcher], since_ms: int) -> dict[int, dict[str, str]]:
        # Of the usual name only its series are read; what other conditions mean is the engine's to say.
        name = next((one.value for one in matchers if one.name == _NAME and one.op == "="), None)
        tests = [(one.name, one.predicate()) for one in matchers]
        found = {}
        for row in await database.fetch(_SQL["series"], name, since_ms):
            labels = {_NAME: row["metric"], **orjson.loads(row["labels"])}
            if all(test(labels.get(label, "")) for label, test in tests):
                found[row["series_id"]] = labels
        if len(found) > MOST_SERIES:
            raise EvaluationError(
                f"{len(found)} recorded series are asked for, {MOST_SERIES} are read at most; ask for fewer by labels"
            )
        return found
