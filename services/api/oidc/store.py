"""The logins of people whom the provider vouches for."""

from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.api.oidc.claims import Person
from services.api.oidc.error import OidcError
from services.common.clock import Clock
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "oidc.sql")
_ACTOR = "single sign-on"


class OidcUsers:
    """Every method raises StorageUnavailableError while Postgres is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def admit(self, person: Person) -> asyncpg.Record:
        """Return the person's login (id, username, role): made at the first time, its role as of now.

        Raises OidcError for one that an admin disabled, and where another login has the name.
        """
        async with self._database.connection() as connection, connection.transaction():
            known = await connection.fetchrow(_SQL["find"], person.issuer, person.subject)
            if known is None:
                made = await connection.fetchrow(
                    _SQL["create"], person.username, person.role, person.issuer, person.subject
                )
                if made is None:
                    raise OidcError("name_taken", f"there is another login {person.username}")
                await self._audit(connection, "user_created", person.username, {"role": person.role})
                return made
            if known["disabled"]:
                raise OidcError("disabled", f"{known['username']} is disabled")
            if known["role"] != person.role:
                await self._audit(connection, "role_changed", known["username"], {"role": person.role})
            await connection.execute(_SQL["set_role"], known["id"], person.role)
            return known

    async def is_theirs(self, username: str) -> bool:
        """Tell whether the provider vouches for a login, and no password."""
        return bool(await self._database.fetchrow(_SQL["is_theirs"], username))

    async def _audit(self, connection: Any, action: str, target: str, detail: dict[str, str]) -> None:
        now = self._clock.now()
        await connection.execute(_SQL["audit"], now, _ACTOR, action, target, orjson.dumps(detail).decode())
