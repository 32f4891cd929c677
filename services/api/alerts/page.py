"""Which page of the record is asked for: the statement with only the conditions that are given, and cursors. Pure."""

from typing import Any

from services.api.alerts.model import HistoryQuery

_CURSOR = "(starts_at, alert_id) < (timestamptz 'epoch' + {}::bigint * interval '1 microsecond', {}::text)"
_EQUAL = ("severity", "component", "status", "name", "category", "fingerprint")


class BadCursorError(ValueError):
    """A page's cursor that we did not give."""


def conditions(query: HistoryQuery) -> tuple[str, list[Any]]:
    """Return the SQL condition with its parameters; raises BadCursorError.

    A condition that is not asked for is left out, not made always true: so each question gets a plan of its own.
    """
    given: list[tuple[str, list[Any]]] = []
    if query.cursor is not None:
        given.append((_CURSOR, list(_read_cursor(query.cursor))))
    given += [(f"{name} = {{}}", [value]) for name in _EQUAL if (value := getattr(query, name)) is not None]
    if query.text and query.text.strip():
        given.append(("search_text LIKE lower({})", [_pattern(query.text.strip())]))
    if query.since is not None:
        given.append(("starts_at >= to_timestamp({}::float8)", [query.since]))
    if query.until is not None:
        given.append(("starts_at < to_timestamp({}::float8)", [query.until]))
    texts: list[str] = []
    values: list[Any] = []
    for text, more in given:
        texts.append(text.format(*(f"${len(values) + place}" for place in range(1, len(more) + 1))))
        values += more
    return " AND ".join(texts) or "true", values


def cursor_of(starts: float, alert_id: str) -> str:
    """Return the cursor of the page that begins after this row; `starts` in seconds since the epoch."""
    return f"{round(starts * 1_000_000)}_{alert_id}"


def _pattern(text: str) -> str:
    # What is typed stands for itself: no wildcard of LIKE.
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _read_cursor(cursor: str) -> tuple[int, str]:
    micros, _, last_id = cursor.partition("_")
    if not last_id or not micros.isascii() or not micros.isdigit() or len(micros) > 18:  # noqa: PLR2004 - fits a bigint
        raise BadCursorError(cursor)
    return int(micros), last_id
