"""Rules made here, in Postgres; every method raises StorageUnavailableError while it is away."""

from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.api.rules.compile import expression
from services.api.rules.model import ApiRule, ApiRuleDetail, RuleBody, RuleVersion
from services.common.clock import Clock
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "rules.sql")


class RuleNameTakenError(ValueError):
    """A rule of that name is there."""


class RuleStore:
    """Each change is one transaction: the rule, its version, and who did it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def all(self) -> list[ApiRule]:
        """Return all rules in the order of their making."""
        return [_rule(row) for row in await self._database.fetch(_SQL["all"])]

    async def one(self, rule_id: int) -> ApiRuleDetail | None:
        """Return one rule with its versions."""
        row = await self._database.fetchrow(_SQL["one"], rule_id)
        if row is None:
            return None
        versions = [
            RuleVersion.model_validate({
                **{key: found[key] for key in ("version", "at", "by", "action")},
                "rule": orjson.loads(found["body"]),
            })
            for found in await self._database.fetch(_SQL["versions"], rule_id)
        ]  # fmt: skip
        return ApiRuleDetail(**dict(_rule(row)), versions=versions)

    async def create(self, rule: RuleBody, by: str) -> int:
        """Keep a new rule and return its id; raises RuleNameTakenError."""
        now, body = self._clock.now(), rule.model_dump_json()
        async with self._database.connection() as connection, connection.transaction():
            try:
                rule_id: int = await connection.fetchval(_SQL["insert"], rule.name, rule.enabled, body, now, by)
            except asyncpg.UniqueViolationError as error:
                raise RuleNameTakenError(rule.name) from error
            await self._note(connection, rule_id, 1, by, "created", body, rule.name)
        return rule_id

    async def change(self, rule_id: int, version: int, rule: RuleBody, by: str) -> bool:
        """Put a rule in the place of that version; return False when it is another by now. As `create`."""
        now, body = self._clock.now(), rule.model_dump_json()
        async with self._database.connection() as connection, connection.transaction():
            try:
                changed = await connection.fetchval(
                    _SQL["change"], rule_id, version, rule.name, rule.enabled, body, now, by
                )
            except asyncpg.UniqueViolationError as error:
                raise RuleNameTakenError(rule.name) from error
            if changed is None:
                return False
            await self._note(connection, rule_id, changed, by, "changed", body, rule.name)
        return True

    async def delete(self, rule_id: int, by: str) -> bool:
        """Take a rule out of force, keeping its versions; return False when there is none such."""
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["delete"], rule_id, self._clock.now(), by)
            if row is None:
                return False
            await self._note(connection, rule_id, row["version"], by, "deleted", row["body"], row["name"])
        return True

    async def _note(
        self, connection: Any, rule_id: int, version: int, by: str, action: str, body: str, name: str
    ) -> None:
        now = self._clock.now()
        await connection.execute(_SQL["keep_version"], rule_id, version, now, by, action, body)
        detail = orjson.dumps({"id": rule_id, "version": version}).decode()
        await connection.execute(_SQL["audit"], now, by, f"rule_{action}", name, detail)


def _rule(row: asyncpg.Record) -> ApiRule:
    rule = RuleBody.model_validate_json(row["body"])
    kept = {key: row[key] for key in ("version", "created_at", "created_by", "updated_at", "updated_by")}
    return ApiRule(id=str(row["id"]), rule=rule, expr=expression(rule), **kept)
