"""The checklist in Postgres; every method raises StorageUnavailableError while it is away."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.api.checklist.model import TaskBody, Tick
from services.common.clock import Clock
from services.common.storage import Database, Queries

MOST_TASKS = 500
KEPT_TICKS = 200
_SQL = Queries(Path(__file__).parents[1] / "queries" / "checklist.sql")


class TaskNameTakenError(ValueError):
    """Another task has that name."""


class TooManyTasksError(ValueError):
    """There are as many tasks as may be: each is a few series."""


class UnknownCheckError(ValueError):
    """There is no check with that id."""


class NotManualError(ValueError):
    """The task is done by a job, so nobody ticks it."""


class ChecklistStore:
    """The tables of tasks and ticks, and the audit of what people change."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def rows(self, task_id: int | None = None) -> list[dict[str, Any]]:
        """Return all tasks by name with what was done last, or the one."""
        return [dict(row) for row in await self._database.fetch(_SQL["all"], task_id)]

    async def ticks(self, task_id: int) -> list[Tick]:
        """Return the kept times that a task was done, newest first."""
        return [Tick.model_validate(dict(row)) for row in await self._database.fetch(_SQL["ticks"], task_id)]

    async def create(self, body: TaskBody, by: str) -> int:
        """Store a task and return its id; raises TaskNameTakenError, UnknownCheckError and TooManyTasksError."""
        return (await self._create((body,), by))[0]

    async def create_missing(self, bodies: Sequence[TaskBody], by: str) -> None:
        """Store those whose name no task has; raises TooManyTasksError."""
        names = {row["name"] for row in await self._database.fetch(_SQL["names"])}
        try:
            await self._create([body for body in bodies if body.name not in names], by)
        except TaskNameTakenError:
            # Two people at once: the other one's are the same.
            await self.create_missing(bodies, by)

    async def _create(self, bodies: Iterable[TaskBody], by: str) -> list[int]:
        now, made = self._clock.now(), []
        async with self._database.connection() as connection, connection.transaction():
            for body in bodies:
                if await connection.fetchval(_SQL["count"]) >= MOST_TASKS:
                    raise TooManyTasksError
                try:
                    made.append(int(await connection.fetchval(_SQL["insert"], *_columns(body), by, now)))
                except asyncpg.UniqueViolationError as error:
                    raise TaskNameTakenError(body.name) from error
                except asyncpg.ForeignKeyViolationError as error:
                    raise UnknownCheckError from error
                await connection.execute(_SQL["audit"], now, by, "task_created", body.name, _plain(body))
        return made

    async def change(self, task_id: int, body: TaskBody, by: str) -> bool:
        """Change a task; False when there is none. Raises TaskNameTakenError and UnknownCheckError."""
        try:
            return await self._audited("update", "task_changed", by, task_id, *_columns(body), detail=_plain(body))
        except asyncpg.UniqueViolationError as error:
            raise TaskNameTakenError(body.name) from error
        except asyncpg.ForeignKeyViolationError as error:
            raise UnknownCheckError from error

    async def delete(self, task_id: int, by: str) -> bool:
        """Remove a task with its history; False when there is none."""
        return await self._audited("delete", "task_deleted", by, task_id)

    async def _audited(self, statement: str, action: str, by: str, *values: Any, detail: str = "{}") -> bool:
        async with self._database.connection() as connection, connection.transaction():
            name = await connection.fetchval(_SQL[statement], *values)
            if name is not None:
                await connection.execute(_SQL["audit"], self._clock.now(), by, action, name, detail)
        return name is not None

    async def tick(self, task_id: int, by: str, note: str) -> bool:
        """Note that somebody did it now; False when there is no such task. Raises NotManualError."""
        now = self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            task = await connection.fetchrow(_SQL["lock"], task_id)
            if task is None:
                return False
            if task["source"] != "manual":
                raise NotManualError
            await connection.execute(_SQL["insert_tick"], task_id, now, by, note)
            await connection.execute(_SQL["trim_ticks"], task_id, KEPT_TICKS)
            detail = orjson.dumps({"note": note}).decode()
            await connection.execute(_SQL["audit"], now, by, "task_ticked", task["name"], detail)
        return True

    async def untick(self, task_id: int, tick_id: int, by: str) -> bool:
        """Take back what somebody noted by mistake; False when there is no such note of a person."""
        async with self._database.connection() as connection, connection.transaction():
            task = await connection.fetchrow(_SQL["lock"], task_id)
            gone = await connection.execute(_SQL["delete_tick"], task_id, tick_id)
            if task is None or gone == "DELETE 0":
                return False
            await connection.execute(_SQL["audit"], self._clock.now(), by, "task_unticked", task["name"], "{}")
        return True

    async def done_by_checks(self) -> dict[int, float]:
        """Return the tasks whose check had a success that is not noted yet, with its time."""
        return {row["id"]: row["at"] for row in await self._database.fetch(_SQL["done_by_checks"])}

    async def note_jobs(self, done: Mapping[int, float]) -> None:
        """Note that jobs did these tasks at those times; several copies of the API may note the same."""
        async with self._database.connection() as connection, connection.transaction():
            for task_id, at in done.items():
                if await connection.fetchrow(_SQL["lock"], task_id) is None:
                    continue
                await connection.execute(_SQL["insert_tick"], task_id, at, "", "")
                await connection.execute(_SQL["trim_ticks"], task_id, KEPT_TICKS)


def _plain(body: TaskBody) -> str:
    return body.model_dump_json(exclude_none=True, exclude={"name"})


def _columns(body: TaskBody) -> tuple[Any, ...]:
    return (
        body.name,
        body.description,
        body.cadence,
        body.schedule,
        body.timezone,
        body.grace_seconds,
        body.source,
        body.check_id,
        body.beat_task,
    )
