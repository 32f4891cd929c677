"""An API that a test drives, with the real page and security headers; `python -m tests.browser.stub` serves it."""

import argparse
import asyncio
import itertools
import random
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSCloseCode, web
from pydantic import BaseModel

from services.api import guard
from services.api.alerts.model import Alert, AlertDetail, AlertHistory, TimelineEntry, Verdict
from services.api.problem import ProblemError
from services.api.static_files import StaticFiles
from tests.browser import admin_work, chores, own_status, rule_work, samples, work
from tests.browser.past import Past

if TYPE_CHECKING:
    from services.api.rules.model import ApiRule

COOKIE = "tocsin_session"
USERS = {"ada": ("in charge", "admin"), "ana": ("correct horse", "operator"), "vic": ("just looking", "viewer")}
SESSION_ENDED = 4401
MONITORING = "/api/admin/monitoring"


def _json(content: BaseModel | dict[str, Any]) -> web.Response:
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return web.json_response(plain)


@web.middleware
async def _problems(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except ProblemError as problem:
        return problem.response()
    return response


class StubApi:
    """The contract's answers from a world that a test changes; the WebSocket carries every change."""

    def __init__(self, static: Path) -> None:
        self._static = StaticFiles(static)
        self._sessions: dict[str, str] = {}
        self._sockets: dict[web.WebSocketResponse, itertools.count[int]] = {}
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.changed: dict[str, float | None] = {}
        self.missing: tuple[str, ...] = ()
        self.alerts: list[Alert] = []
        self.past_metrics = Past(self)
        self.past: list[Alert] = samples.past(time.time())
        self.refuse_acknowledge: ProblemError | None = None
        self.acknowledged: list[tuple[str, str]] = []
        self.rules: dict[str, ApiRule] = {}
        self.checks: list[dict[str, Any]] = samples.checks(time.time())
        self.tasks: list[dict[str, Any]] = chores.tasks(time.time())
        self.audits = chores.audits(time.time())
        self.audit_run: dict[str, Any] | None = None
        self.errors: dict[str, Any] = samples.errors(time.time())
        self.silences: list[dict[str, Any]] = []
        self.notes: dict[str, list[TimelineEntry]] = {}
        self.verdicts: dict[str, Verdict] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        app = web.Application(middlewares=[_problems])
        app.router.add_post("/api/auth/login", self._login)
        app.router.add_get("/api/auth/methods", self._methods)
        app.router.add_get("/api/auth/me", self._me)
        app.router.add_post("/api/auth/logout", self._logout)
        app.router.add_get(f"{MONITORING}/live", self._live)
        app.router.add_get(f"{MONITORING}/alerts/history", self._history)
        app.router.add_get(f"{MONITORING}/alerts/{{id}}", self._detail)
        app.router.add_post(f"{MONITORING}/alerts/{{id}}/acknowledge", self._acknowledge)
        app.router.add_post(f"{MONITORING}/alerts/acknowledge", self._acknowledge_many)
        work.add_routes(app, self)
        rule_work.add_routes(app, self)
        admin_work.add_routes(app, self)
        chores.add_routes(app, self)
        own_status.add_routes(app, self)
        self.past_metrics.add_routes(app)
        app.router.add_get(f"{MONITORING}/checks", self._checks)
        app.router.add_get(f"{MONITORING}/errors", self._errors)
        app.router.add_get("/{path:.*}", self._static.handle)
        app.on_response_prepare.append(self._set_headers)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port or self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away as a killed process does; `start` comes back at the same port."""
        if self._runner is not None:
            for socket in list(self._sockets):
                if socket._req is not None and socket._req.transport is not None:
                    socket._req.transport.abort()
            self._sockets.clear()
            await self._runner.cleanup()
            self._runner = None

    async def _set_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(guard._HEADERS)

    # What a test does.

    async def push(self, *parts: str, upsert: tuple[Alert, ...] = (), remove: tuple[str, ...] = ()) -> None:
        """Send a changes message with `health` and `metrics` where named, and alerts where given."""
        message: dict[str, Any] = {"type": "changes", "at": time.time()}
        world = self._world()
        message |= {part: world[part] for part in parts}
        if upsert or remove:
            message["alerts"] = {"upsert": [one.model_dump(mode="json") for one in upsert], "remove": list(remove)}
        for socket, numbers in list(self._sockets.items()):
            await socket.send_str(orjson.dumps({"seq": next(numbers), **message}).decode())

    async def fire(self, alert: Alert) -> None:
        self.alerts = sorted([*self.alerts, alert], key=lambda one: (one.severity != "critical", one.starts_at))
        await self.push("health", "metrics", upsert=(alert,))

    async def resolve(self, alert_id: str) -> None:
        gone = next(one for one in self.alerts if one.id == alert_id)
        self.alerts.remove(gone)
        self.past.insert(0, gone.model_copy(update={"status": "resolved", "ends_at": time.time()}))
        await self.push("health", "metrics", remove=(alert_id,))

    async def end_sessions(self) -> None:
        self._sessions.clear()
        for socket in list(self._sockets):
            await socket.close(code=SESSION_ENDED, message=b"session ended")

    async def skip_a_number(self) -> None:
        """Lose a message on the way, as a bug would."""
        for numbers in self._sockets.values():
            next(numbers)
        await self.push("metrics")

    @property
    def connected(self) -> int:
        return len(self._sockets)

    # What the page asks.

    def _world(self) -> dict[str, Any]:
        now = time.time()
        metrics = samples.realtime(now, self.changed)
        health = samples.health(now, metrics, self.alerts, self.missing)
        return {"health": health.model_dump(mode="json"), "metrics": metrics.model_dump(mode="json")}

    def user(self, request: web.Request) -> str:
        name = self._sessions.get(request.cookies.get(COOKIE, ""))
        if name is None:
            raise ProblemError(401, "not-logged-in", "Nobody is logged in.", "Log in first.")
        return name

    def _session(self, name: str) -> dict[str, Any]:
        return {"user": {"username": name, "role": USERS[name][1]}, "csrf_token": f"csrf-{name}"}

    async def _login(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body["username"]
        if USERS.get(name, ("", ""))[0] != body["password"]:
            raise ProblemError(401, "wrong-login", "User name or password is wrong.", "Check both, then try again.")
        key = secrets.token_hex(8)
        self._sessions[key] = name
        response = _json(self._session(name))
        response.set_cookie(COOKIE, key, httponly=True, samesite="Strict", path="/")
        return response

    async def _methods(self, _request: web.Request) -> web.Response:
        return _json({"password": True, "provider": "Shop login"})

    async def _me(self, request: web.Request) -> web.Response:
        return _json(self._session(self.user(request)))

    async def _logout(self, request: web.Request) -> web.Response:
        self.check_csrf(request)
        self._sessions.pop(request.cookies[COOKIE], None)
        return _json({"logged_out": True})

    def check_csrf(self, request: web.Request) -> str:
        name = self.user(request)
        if request.headers.get("X-CSRF-Token") != f"csrf-{name}":
            raise ProblemError(403, "csrf", "The CSRF token is missing or wrong.", "Reload the page.")
        return name

    def find(self, request: web.Request) -> Alert:
        wanted = request.match_info["id"]
        for one in (*self.alerts, *self.past):
            if one.id == wanted:
                return one
        raise ProblemError(404, "unknown-alert", "There is no such alert.", "Look in the history.")

    async def _detail(self, request: web.Request) -> web.Response:
        self.user(request)
        return _json(self.detail(self.find(request)))

    def detail(self, of: Alert) -> AlertDetail:
        """An alert's story, with what people said of it."""
        known = samples.detail(of)
        timeline = [*known.timeline, *self.notes.get(of.id, [])]
        return known.model_copy(update={"timeline": timeline, "verdict": self.verdicts.get(of.id)})

    async def _history(self, request: web.Request) -> web.Response:
        self.user(request)
        wanted = {key: value for key, value in request.query.items() if key in {"severity", "fingerprint", "component"}}
        every = [
            one
            for one in (*self.alerts, *self.past)
            if all(getattr(one, key) == value for key, value in wanted.items())
        ]
        start, limit = int(request.query.get("cursor", "0")), int(request.query["limit"])
        following = str(start + limit) if start + limit < len(every) else None
        page = [samples.recorded(one, self.verdicts.get(one.id)) for one in every[start : start + limit]]
        return _json(AlertHistory(alerts=page, next_cursor=following))

    async def _checks(self, _request: web.Request) -> web.Response:
        return _json({"checks": self.checks})

    async def _errors(self, request: web.Request) -> web.Response:
        text = request.query.get("text", "").casefold()
        fitting = [one for one in self.errors["errors"] if text in one["message"].casefold()]
        return _json(self.errors | {"errors": fitting, "total": len(fitting)})

    async def _acknowledge(self, request: web.Request) -> web.Response:
        name = self.check_csrf(request)
        if self.refuse_acknowledge is not None:
            raise self.refuse_acknowledge
        comment = (await request.json()).get("comment", "")
        return _json(await self.take(self.find(request), name, comment))

    async def _acknowledge_many(self, request: web.Request) -> web.Response:
        name = self.check_csrf(request)
        ids = (await request.json())["ids"]
        done = [await self.take(one, name, "") for one in list(self.alerts) if one.id in ids]
        return _json({"alerts": [one.model_dump(mode="json") for one in done], "refused": []})

    async def take(self, found: Alert, name: str | None, comment: str) -> Alert:
        """Take an alert on for somebody; without a name give it back."""
        if name is not None:
            self.acknowledged.append((found.id, comment))
            done = samples.acknowledged(found, name, time.time(), comment)
        else:
            done = found.model_copy(update={"acknowledged": None})
        self.alerts[self.alerts.index(found)] = done
        await self.push(upsert=(done,))
        return done

    async def _live(self, request: web.Request) -> web.StreamResponse:
        self.user(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        numbers = itertools.count(1)
        alerts = [one.model_dump(mode="json") for one in self.alerts]
        snapshot = {
            "seq": next(numbers),
            "epoch": "stub",
            "type": "snapshot",
            "at": time.time(),
            **self._world(),
            "alerts": alerts,
        }
        await socket.send_json(snapshot)
        self._sockets[socket] = numbers
        try:
            async for _message in socket:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION)
        finally:
            self._sockets.pop(socket, None)
        return socket


async def serve(port: int, *, trouble: bool) -> None:
    """Serve a world that moves, for work on the page."""
    stub = StubApi(Path(__file__).parents[2] / "services" / "api" / "static")
    if trouble:
        now = time.time()
        stub.alerts = [samples.postgres_down(now), samples.backlog(now)]
        stub.changed |= {"celery_queue": 47.0, "db_connections": None, "db_query_p95": None, "db_disk": None}
    await stub.start(port)
    print(f"{stub.url}  (ana / {USERS['ana'][0]})", flush=True)  # noqa: T201 - a developer's tool
    while True:
        await asyncio.sleep(2)
        stub.changed["api_response_time"] = 0.0847 * random.uniform(0.9, 1.25)  # noqa: S311 - sample data
        await stub.push("metrics", "health")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--trouble", action="store_true", help="with alerts that fire")
    options = parser.parse_args()
    asyncio.run(serve(options.port, trouble=options.trouble))
