"""Statements of several collectors as one: a scrape waits for fewer answers, each of which costs two wake-ups."""

from collections.abc import Sequence

import orjson

from services.collector.sources.postgres.collector import Fetch
from services.collector.sources.postgres.columns import Row


async def fetch_together(fetch: Fetch, statements: Sequence[str]) -> dict[str, list[Row]]:
    """Return each statement's rows, whose values are as JSON has them (times and addresses are text).

    The statements have no arguments. Raises what any of them raises.
    """
    parts = [
        f"(SELECT json_agg(q) FROM ({statement}\n) q)::text AS part_{n}"  # noqa: S608 - our own statements
        for n, statement in enumerate(statements)
    ]
    (row,) = await fetch(f"SELECT {', '.join(parts)}")
    return {statement: orjson.loads(row[f"part_{n}"] or "[]") for n, statement in enumerate(statements)}


def with_ready(fetch: Fetch, ready: dict[str, list[Row]]) -> Fetch:
    """Return a fetch that answers from `ready` first, each statement once."""

    async def served(statement: str, *args: object) -> list[Row]:
        rows = None if args else ready.pop(statement, None)
        return await fetch(statement, *args) if rows is None else rows

    return served
