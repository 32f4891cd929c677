"""Postgres' csvlog, 23 columns in version 13 and 26 from 14 on; a record may hold line breaks inside its quotes."""

import csv
import re
from collections.abc import Sequence

from services.collector.sources.logs.record import ERROR_LEVELS, Record, level_of
from services.collector.sources.logs.timestamps import ISO, parse_time

_BEGINS = re.compile(rf"{ISO}[^,]{{0,8}},(?:\"|,)")
_USER, _DATABASE, _SEVERITY, _CODE, _MESSAGE, _DETAIL, _HINT, _CONTEXT, _STATEMENT, _APPLICATION = (
    1, 2, 11, 12, 13, 14, 15, 18, 19, 22,
)  # fmt: skip
_LEAST = 23


class PostgresCsv:
    """One record is what stands between two line breaks that are in no quotes."""

    key = "postgres_csv"

    def begins(self, line: str) -> bool:
        """See the port."""
        return _BEGINS.match(line) is not None

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """See the port."""
        del line
        return self.begins(lines[0]) and _in_quotes(lines)

    def ends(self, lines: Sequence[str]) -> bool:
        """See the port."""
        return not _in_quotes(lines) or not self.begins(lines[0])

    def parse(self, lines: Sequence[str]) -> Record | None:
        """See the port."""
        try:
            row = next(csv.reader(["\n".join(lines)], strict=True), [])
        except csv.Error:
            return None
        if len(row) < _LEAST:
            return None
        level = level_of(row[_SEVERITY])
        if level not in ERROR_LEVELS:
            return Record(level, "")
        details = (("DETAIL", _DETAIL), ("HINT", _HINT), ("CONTEXT", _CONTEXT), ("STATEMENT", _STATEMENT))
        fields = (("user", _USER), ("database", _DATABASE), ("application", _APPLICATION))
        return Record(
            level,
            row[_MESSAGE],
            time=parse_time(row[0]),
            code=row[_CODE],
            detail="\n".join(f"{name}: {row[column]}" for name, column in details if row[column]),
            fields={name: row[column] for name, column in fields if row[column]},
        )


def _in_quotes(lines: Sequence[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 1


FORMAT = PostgresCsv()
