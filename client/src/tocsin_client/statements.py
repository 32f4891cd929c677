"""What a SQL statement does, as a bounded word."""

import re

_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_LONGEST = 2000
OPERATIONS = frozenset({
    "ALTER", "ANALYZE", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DO", "DROP", "EXECUTE", "EXPLAIN",
    "GRANT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY", "PRAGMA", "REFRESH", "RELEASE", "REPLACE", "REVOKE",
    "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHOW", "START", "TRUNCATE", "UPDATE", "VACUUM", "VALUES", "WITH",
})  # fmt: skip


def operation_of(statement: str) -> str:
    """Return a statement's first word in capitals, "OTHER" for one that SQL does not know."""
    match = _FIRST_WORD.match(statement[:_LONGEST])
    word = match[1].upper() if match else ""
    return word if word in OPERATIONS else "OTHER"
