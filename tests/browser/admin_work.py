"""The stand-in API's answers about logins, tokens, the audit log and statistics."""

import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.api.problem import ProblemError
from services.api.routes.audit import AuditEntry, AuditLog
from services.api.routes.tokens import NewToken, Token, Tokens
from services.api.routes.users import User, Users
from services.api.statistics.model import RuleFigures, SeverityFigures, Statistics, Uptime

if TYPE_CHECKING:
    from tests.browser.stub import StubApi


def add_routes(app: web.Application, stub: "StubApi") -> None:
    """Serve three logins that a test may change."""
    work = _Admin(stub)
    router = app.router
    router.add_get("/api/admin/monitoring/alerts/statistics", work.statistics)
    router.add_post("/api/auth/password", work.password)
    router.add_get("/api/admin/users", work.users)
    router.add_post("/api/admin/users", work.create)
    router.add_put("/api/admin/users/{id}", work.change)
    router.add_get("/api/admin/tokens", work.tokens)
    router.add_post("/api/admin/tokens", work.make_token)
    router.add_delete("/api/admin/tokens/{id}", work.revoke)
    router.add_get("/api/admin/audit", work.audit)


def _json(model: Any, status: int = 200) -> web.Response:
    return web.json_response(model.model_dump(mode="json"), status=status)


class _Admin:
    def __init__(self, stub: "StubApi") -> None:
        self._stub = stub
        now = time.time()
        self._users = [
            User(id=index, username=name, role=role, created_at=now, disabled=False, sessions=1, last_seen_at=now - 60)
            for index, (name, role) in enumerate((("ada", "admin"), ("ana", "operator"), ("vic", "viewer")), 1)
        ]
        self._tokens: list[Token] = []

    async def statistics(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        now = time.time()
        return _json(
            Statistics(
                start=now - 86_400 * int(request.query["days"]), end=now, alerts=41, acknowledged=30, resolved=38,
                mtta=184.0, mtta_median=95.0, mttr=1260.0, mttr_median=610.0, true_alarms=18, false_alarms=1, noise=1,
                precision=0.9, false_alarms_per_person_and_week=0.233,
                severities=[SeverityFigures(severity="warning", alerts=35), SeverityFigures(severity="info", alerts=6)],
                noisiest=[
                    RuleFigures(name="CeleryQueueBacklog", alerts=21, seconds=300, false_alarms=2, unacknowledged=8),
                ],
                uptimes=[Uptime(component="postgres", ratio=0.99991, down_seconds=233)],
            )
        )  # fmt: skip

    async def password(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        if (await request.json())["current"] != "correct horse":
            raise ProblemError(403, "wrong-password", "The current password is wrong.", "Try again.")
        return _json(Users(users=[]))

    async def users(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        return _json(Users(users=self._users))

    async def create(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        body = await request.json()
        made = User(
            id=len(self._users) + 1, username=body["username"], role=body["role"], created_at=time.time(),
            disabled=False, sessions=0, last_seen_at=None,
        )  # fmt: skip
        self._users.append(made)
        return _json(Users(users=self._users), 201)

    async def change(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        user_id, body = int(request.match_info["id"]), await request.json()
        if user_id == 1:
            raise ProblemError(409, "last-admin", "ada is the last admin.", "Make another login an admin first.")
        self._users = [one.model_copy(update=body) if one.id == user_id else one for one in self._users]
        return _json(Users(users=self._users))

    async def tokens(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        return _json(Tokens(tokens=self._tokens))

    async def make_token(self, request: web.Request) -> web.Response:
        by, body = self._stub.check_csrf(request), await request.json()
        content = {
            "id": len(self._tokens) + 1, "name": body["name"], "role": body["role"], "created_by": by,
            "created_at": time.time(), "expires_at": None, "last_used_at": None,
        }  # fmt: skip
        self._tokens.append(Token.model_validate(content))
        return _json(NewToken.model_validate({**content, "token": "secret-shown-once"}), 201)

    async def revoke(self, request: web.Request) -> web.Response:
        self._stub.check_csrf(request)
        self._tokens = [one for one in self._tokens if one.id != int(request.match_info["id"])]
        return web.Response(status=204)

    async def audit(self, request: web.Request) -> web.Response:
        self._stub.user(request)
        before = int(request.query.get("before", "101"))
        entries = [
            AuditEntry(
                id=number, at=time.time() - 60 * (101 - number), actor="ada", action="role_changed", target="vic",
                detail={"role": "viewer"},
            )
            for number in range(before - 1, max(before - 51, 0), -1)
        ]  # fmt: skip
        return _json(AuditLog(entries=entries, next_before=entries[-1].id if entries[-1].id > 1 else None))
