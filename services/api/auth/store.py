"""Sessions and tokens in Postgres, under their hashes."""

from pathlib import Path

import asyncpg

from services.api.auth.identity import Identity
from services.api.roles import Role
from services.common.clock import Clock
from services.common.storage import Database, Queries
from services.common.tokens import hash_token, new_token

_SQL = Queries(Path(__file__).parents[1] / "queries" / "auth.sql")


class NameTakenError(ValueError):
    """A token of that name is in use."""


class AuthStore:
    """Every method raises StorageUnavailableError while Postgres is away."""

    def __init__(self, database: Database, clock: Clock, *, session_seconds: float) -> None:
        self._database, self._clock, self._session_seconds = database, clock, session_seconds

    async def login_row(self, username: str) -> asyncpg.Record | None:
        """Return id, username, password_hash and role of a login that is not disabled."""
        return await self._database.fetchrow(_SQL["find_login"], username)

    async def store_rehash(self, user_id: int, password_hash: str) -> None:
        """Put a hash of the same password with today's parameters in place of an older one."""
        await self._database.execute(_SQL["rehash"], user_id, password_hash)

    async def start_session(self, user: asyncpg.Record) -> tuple[str, Identity]:
        """Store a new session; return its secret, which stands nowhere else, and who it is."""
        secret, now = new_token(), self._clock.now()
        identity = Identity(
            user["username"], user["role"], "session", hash_token(secret), now + self._session_seconds, new_token()
        )
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["purge_sessions"], now)
            await connection.execute(
                _SQL["insert_session"], identity.key, user["id"], identity.csrf_token, now, identity.expires_at
            )
            await connection.execute(_SQL["audit"], now, identity.username, "login", "", "{}")
        return secret, identity

    async def find_session(self, key: bytes) -> Identity | None:
        """Return who holds the session, None when it ended or its user is disabled."""
        now = self._clock.now()
        row = await self._database.fetchrow(_SQL["find_session"], key, now)
        if row is None:
            return None
        await self._database.execute(_SQL["touch_session"], key, now)
        return Identity(row["username"], row["role"], "session", key, row["expires_at"], row["csrf_token"])

    async def end_session(self, identity: Identity) -> None:
        """Log out."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["end_session"], identity.key)
            await connection.execute(_SQL["audit"], self._clock.now(), identity.username, "logout", "", "{}")

    async def find_token(self, key: bytes) -> Identity | None:
        """Return the program behind a token's hash, None when it is unknown, revoked or expired."""
        now = self._clock.now()
        row = await self._database.fetchrow(_SQL["find_token"], key, now)
        if row is None:
            return None
        await self._database.execute(_SQL["touch_token"], key, now)
        expires_at = float("inf") if row["expires_at"] is None else row["expires_at"]
        return Identity(f"token:{row['name']}", row["role"], "token", key, expires_at)

    async def list_tokens(self) -> list[asyncpg.Record]:
        """Return the tokens in force, by name, without their secrets."""
        return await self._database.fetch(_SQL["list_tokens"])

    async def create_token(self, name: str, role: Role, by: str, expires_at: float | None) -> tuple[int, str]:
        """Store a new token; return its id and secret, which is stored nowhere. Raises NameTakenError."""
        secret, now = new_token(), self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            try:
                token_id = await connection.fetchval(
                    _SQL["insert_token"], name, hash_token(secret), role, by, now, expires_at
                )
            except asyncpg.UniqueViolationError as error:
                raise NameTakenError(name) from error
            await connection.execute(_SQL["audit"], now, by, "token_created", name, f'{{"role": "{role}"}}')
        return int(token_id), secret

    async def revoke_token(self, token_id: int, by: str) -> bytes | None:
        """End a token and free its name; return its hash, None when no such token is in force."""
        now = self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            key: bytes | None = await connection.fetchval(_SQL["revoke_token"], token_id, now)
            if key is not None:
                await connection.execute(_SQL["audit"], now, by, "token_revoked", str(token_id), "{}")
        return key
