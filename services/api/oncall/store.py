"""What people choose, in Postgres, with the audit of each change; raises StorageUnavailableError while it is away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from services.common.clock import Clock
from services.common.people import Preference, Takeover
from services.common.storage import Database, Queries

MOST_OVERRIDES = 500
_SQL = Queries(Path(__file__).parents[1] / "queries" / "on_call.sql")


class TooManyOverridesError(ValueError):
    """There are as many takeovers as may be."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login and the contact that an admin has given it; None: the contact of the same name."""

    id: int
    username: str
    contact: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A contact's choice as it is kept."""

    preference: Preference
    updated_by: str
    updated_at: float


@dataclass(frozen=True, slots=True)
class Agreed:
    """A takeover as it was agreed."""

    id: str
    takeover: Takeover
    comment: str
    created_by: str
    created_at: float


class OnCallStore:
    """The tables of preferences and takeovers, and the users' column of contacts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def contact_of(self, username: str) -> str | None:
        """Return the name of a login's contact, whether or not there is such a contact; None for no login."""
        row = await self._database.fetchrow(_SQL["contact_of"], username)
        return None if row is None else str(row[0])

    async def logins(self) -> list[Login]:
        """Return all logins that are not disabled, by name."""
        return [Login(**dict(row)) for row in await self._database.fetch(_SQL["logins"])]

    async def set_contact(self, user_id: int, contact: str | None, by: str) -> str | None:
        """Say which contact a login is (None: that of the same name); return the login, None when there is none."""
        async with self._database.connection() as connection, connection.transaction():
            username: str | None = await connection.fetchval(_SQL["set_contact"], user_id, contact)
            if username is not None:
                await self._audit(connection, by, "user_contact_changed", username, {"contact": contact})
        return username

    async def preference(self, contact: str) -> Kept | None:
        """Return a contact's choice, None when they have made none."""
        row = await self._database.fetchrow(_SQL["preferences"], contact)
        if row is None:
            return None
        return Kept(Preference.model_validate_json(row["preference"]), row["updated_by"], row["updated_at"])

    async def written_preferences(self) -> dict[str, str]:
        """Return all choices as JSON, by contact."""
        return {row["contact"]: row["preference"] for row in await self._database.fetch(_SQL["preferences"], None)}

    async def put_preference(self, contact: str, preference: Preference, by: str) -> None:
        """Keep a choice; one that chooses nothing takes the former one away."""
        chosen = preference.model_dump(mode="json", exclude_none=True)
        async with self._database.connection() as connection, connection.transaction():
            if chosen:
                text = orjson.dumps(chosen).decode()
                await connection.execute(_SQL["put_preference"], contact, text, by, self._clock.now())
            else:
                await connection.execute(_SQL["delete_preference"], contact)
            await self._audit(connection, by, "preferences_changed", contact, chosen)

    async def overrides(self) -> list[Agreed]:
        """Return the takeovers that are not over, by their begin."""
        return [_agreed(dict(row)) for row in await self._database.fetch(_SQL["overrides"], self._clock.now())]

    async def add_override(self, override_id: str, takeover: Takeover, comment: str, by: str) -> Agreed:
        """Keep a takeover; raises TooManyOverridesError."""
        now = self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock_overrides"])
            if await connection.fetchval(_SQL["count_overrides"], now) >= MOST_OVERRIDES:
                raise TooManyOverridesError
            await connection.execute(
                _SQL["insert_override"], override_id, takeover.schedule, takeover.contact, takeover.instead_of,
                takeover.starts_at, takeover.ends_at, comment, by, now,
            )  # fmt: skip
            detail = {**takeover.model_dump(mode="json"), "comment": comment}
            await self._audit(connection, by, "duty_taken_over", takeover.schedule, detail)
        return Agreed(override_id, takeover, comment, by, now)

    async def delete_override(self, override_id: str, by: str) -> bool:
        """Take a takeover back; False when there is none."""
        async with self._database.connection() as connection, connection.transaction():
            schedule = await connection.fetchval(_SQL["delete_override"], override_id)
            if schedule is not None:
                await self._audit(connection, by, "takeover_ended", schedule, {"id": override_id})
        return schedule is not None

    async def tell(self, by: str, action: str, target: str, detail: dict[str, Any]) -> None:
        """Write what was done elsewhere into the audit log."""
        async with self._database.connection() as connection:
            await self._audit(connection, by, action, target, detail)

    async def _audit(self, connection: Any, by: str, action: str, target: str, detail: dict[str, Any]) -> None:
        await connection.execute(_SQL["audit"], self._clock.now(), by, action, target, orjson.dumps(detail).decode())


def _agreed(row: dict[str, Any]) -> Agreed:
    own = {name: row.pop(name) for name in ("id", "comment", "created_by", "created_at")}
    return Agreed(takeover=Takeover.model_validate(row), **own)
