"""A session whose server is a table of answers."""

from collections.abc import Sequence
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.postgres import registry
from services.collector.sources.postgres.collector import Memory, Session
from services.collector.sources.postgres.target import PostgresTarget


class Server:
    """Answers each statement that contains a key with that key's rows, an exception by raising it."""

    def __init__(self, **answers: Sequence[dict[str, Any]] | BaseException) -> None:
        self.answers: dict[str, Sequence[dict[str, Any]] | BaseException] = dict(answers)
        self.asked: list[tuple[str, tuple[object, ...]]] = []

    async def fetch(self, statement: str, *args: object) -> list[Any]:
        self.asked.append((statement, args))
        for key, answer in self.answers.items():
            if key in statement:
                if isinstance(answer, BaseException):
                    raise answer
                return list(answer)
        raise AssertionError(f"no answer for {statement}")

    def session(self, version: int = 180_000, **target: Any) -> Session:
        return Session(
            fetch=self.fetch,
            version=version,
            memory=Memory(),
            target=PostgresTarget(name="db", host="127.0.0.1", **target),
            database="shop",
            now=1000.0,
        )


async def collect(name: str, session: Session) -> Sheet:
    """Return what the collector of that name writes."""
    (one,) = [one for one in (*registry.COLLECTORS, *registry.SLOW) if one.name == name]
    sheet = Sheet()
    await one.work(session, sheet)
    return sheet
