"""Who changed what."""

from typing import Annotated, Any

from pydantic import Field

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Answer, Body, Nothing

_Name = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]


class AuditQuery(Body):
    """Which part of the log is asked for."""

    limit: int = Field(default=100, ge=1, le=500)
    before: int | None = Field(default=None, ge=1, le=2**62)
    """The id of the last entry of the page before."""
    actor: _Name = None
    action: _Name = None


class AuditEntry(Answer):
    """One change: by whom, what, on what."""

    id: int
    at: float
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


class AuditLog(Answer):
    """One page of the log, newest first."""

    entries: list[AuditEntry]
    next_before: int | None
    """Give it as `before` for the next page; null at the end."""


async def _audit(api: Api, call: Call[AuditQuery, Nothing]) -> AuditLog:
    query = call.query
    rows = await api.accounts.audit(query.before, query.actor, query.action, query.limit + 1)
    shown = [AuditEntry(**row) for row in rows[: query.limit]]
    return AuditLog(entries=shown, next_before=shown[-1].id if len(rows) > query.limit else None)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/audit",
        name="getAuditLog",
        summary="Every change that somebody made, newest first",
        role="admin",
        handler=_audit,
        answer=AuditLog,
        query=AuditQuery,
        body=Nothing,
    ),
)
