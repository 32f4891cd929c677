"""Logins as admins and their owners manage them; every method raises StorageUnavailableError while Postgres is away."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.api.auth.passwords import hash_password
from services.api.roles import Role
from services.common.clock import Clock
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "accounts.sql")


class UsernameTakenError(ValueError):
    """A login of that name is there."""


class LastAdminError(ValueError):
    """Nobody would be left who can undo it."""


class AccountStore:
    """Each change ends the login's sessions where it must, and leaves a row in the audit log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def all(self) -> list[dict[str, Any]]:
        """Return all logins by name, with how many sessions each has."""
        return [dict(row) for row in await self._database.fetch(_SQL["all"], self._clock.now())]

    async def create(self, username: str, password: str, role: Role, by: str) -> int:
        """Add a login and return its id; raises UsernameTakenError."""
        hashed = await asyncio.to_thread(hash_password, password)
        async with self._database.connection() as connection, connection.transaction():
            try:
                user_id: int = await connection.fetchval(_SQL["insert"], username, hashed, role)
            except asyncpg.UniqueViolationError as error:
                raise UsernameTakenError(username) from error
            await self._audit(connection, by, "user_created", username, {"role": role})
        return user_id

    async def change(
        self, user_id: int, by: str, *, role: Role | None, password: str | None, disabled: bool | None
    ) -> str | None:
        """Change what is given and return the login's name, None when there is none; raises LastAdminError.

        A new password, a new role and disabling end all its sessions.
        """
        hashed = None if password is None else await asyncio.to_thread(hash_password, password)
        async with self._database.connection() as connection, connection.transaction():
            admins = [row["id"] for row in await connection.fetch(_SQL["lock_admins"])]
            known = await connection.fetchrow(_SQL["find"], user_id)
            if known is None:
                return None
            if admins == [user_id] and (disabled or role not in {None, "admin"}):
                raise LastAdminError(known["username"])
            await connection.execute(_SQL["change"], user_id, role, hashed, disabled)
            await connection.execute(_SQL["end_sessions"], user_id, None)
            name: str = known["username"]
            if hashed is not None:
                await self._audit(connection, by, "password_changed", name, {})
            if role not in {None, known["role"]}:
                await self._audit(connection, by, "role_changed", name, {"role": role})
            if disabled is not None and disabled != known["disabled"]:
                await self._audit(connection, by, "user_disabled" if disabled else "user_enabled", name, {})
        return name

    async def own(self, username: str) -> tuple[int, str] | None:
        """Return a login's id and password hash."""
        row = await self._database.fetchrow(_SQL["own"], username)
        return None if row is None else (row["id"], row["password_hash"])

    async def change_own_password(self, user_id: int, username: str, password: str, keep: bytes) -> None:
        """Change a password and end all sessions but the one that asked."""
        hashed = await asyncio.to_thread(hash_password, password)
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["change"], user_id, None, hashed, None)
            await connection.execute(_SQL["end_sessions"], user_id, keep)
            await self._audit(connection, username, "password_changed", username, {})

    async def _audit(self, connection: Any, by: str, action: str, target: str, detail: dict[str, Any]) -> None:
        await connection.execute(_SQL["audit"], self._clock.now(), by, action, target, orjson.dumps(detail).decode())

    async def audit(
        self, before: int | None, actor: str | None, action: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return entries of the audit log, newest first, of ids below `before`."""
        rows = await self._database.fetch(_SQL["audit_page"], before, actor, action, limit)
        return [{**dict(row), "detail": orjson.loads(row["detail"])} for row in rows]
