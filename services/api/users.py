"""Logins, as the command line and the supervisor manage them."""

import contextlib
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from services.api.auth.passwords import check_new_password, hash_password
from services.api.roles import ROLES, Role
from services.common.storage import Queries

FIRST_USERNAME = "admin"
_SQL = Queries(Path(__file__).parent / "queries" / "users.sql")
_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
_ACTOR = "command line"


class UserError(ValueError):
    """What was asked of a login can't be done; the message says what to do."""


@dataclass(frozen=True)
class User:
    """One login as it is listed."""

    username: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


async def create_user(dsn: str, username: str, password: str, role: Role = "viewer") -> None:
    """Add a login; raises UserError when the name is taken or bad, or the password too weak."""
    _check(username, password, role)
    async with _transaction(dsn) as connection:
        try:
            await connection.execute(_SQL["insert_user"], username, hash_password(password), role)
        except asyncpg.UniqueViolationError as error:
            raise UserError(f"user {username} exists; change its password with `tocsin user passwd`") from error
        await connection.execute(_SQL["audit"], _ACTOR, "user_created", username, f'{{"role": "{role}"}}')


async def set_password(dsn: str, username: str, password: str) -> None:
    """Change a password and end the user's sessions; raises UserError."""
    _check(username, password, "viewer")
    async with _transaction(dsn) as connection:
        user_id = await connection.fetchval(_SQL["set_password"], username, hash_password(password))
        if user_id is None:
            raise UserError(f"there is no user {username}; `tocsin user list` shows all")
        await connection.execute(_SQL["end_sessions"], user_id)
        await connection.execute(_SQL["audit"], _ACTOR, "password_changed", username, "{}")


async def list_users(dsn: str) -> list[User]:
    """Return all logins by name."""
    async with _transaction(dsn) as connection:
        return [User(**dict(row)) for row in await connection.fetch(_SQL["list_users"])]


async def ensure_first_user(dsn: str) -> tuple[str, str] | None:
    """Make the first admin when there is no login; return its name and random password, else None.

    Of several callers at once exactly one makes it. The password is stored as a hash only.
    """
    async with _transaction(dsn) as connection:
        await connection.execute(_SQL["lock_users"])
        if await connection.fetchval(_SQL["any_user"]):
            return None
        password = secrets.token_urlsafe(12)
        await connection.execute(_SQL["insert_user"], FIRST_USERNAME, hash_password(password), "admin")
        await connection.execute(_SQL["audit"], "first start", "user_created", FIRST_USERNAME, '{"role": "admin"}')
        return FIRST_USERNAME, password


def _check(username: str, password: str, role: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise UserError(f"{username!r} is not a username; take 1 to 64 of: letters, digits, _ . @ + -")
    if role not in ROLES:
        raise UserError(f"{role!r} is not a role; choose one of {', '.join(ROLES)}")
    if problem := check_new_password(username, password):
        raise UserError(problem)


@contextlib.asynccontextmanager
async def _transaction(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    try:
        connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    except (OSError, asyncpg.PostgresError) as error:
        raise UserError(f"Postgres can't be reached: {error}; check `postgres:` in the config") from error
    try:
        async with connection.transaction():
            yield connection
    except asyncpg.UndefinedTableError as error:
        raise UserError("the database has no tables yet; run `tocsin migrate --config FILE`") from error
    finally:
        await connection.close()
