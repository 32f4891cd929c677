"""`tocsin up`: bring up the embedded servers, the schema, the services and what runs beside them; keep and end them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
from redis.exceptions import RedisError

from services.api.users import UserError, ensure_first_user
from services.common.clock import Clock
from services.common.config import ConfigError, ConfigFile
from services.common.storage import MigrationError, migrate
from services.supervisor.console import Console
from services.supervisor.datadir import DataDir
from services.supervisor.disk import watch_space
from services.supervisor.effective import SERVICES, Draft, service_variables, write_effective
from services.supervisor.extra import Extra
from services.supervisor.family import Family
from services.supervisor.named_files import check_routing
from services.supervisor.ports import check_ports
from services.supervisor.postgres import EmbeddedPostgres, EmbeddedServerError, OwnDatabase
from services.supervisor.process import Notice, Process
from services.supervisor.recovery import end_leftovers
from services.supervisor.redis import EmbeddedRedis
from services.supervisor.service_processes import STOP_ORDER, service_processes

DATABASE = "tocsin"
READY_SECONDS = 60.0
"""How long each part is awaited before the others go on without it."""
_RETRY_SECONDS = 2.0
_AWAY = (
    OSError,
    TimeoutError,
    RedisError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    EmbeddedServerError,
    MigrationError,
    UserError,
)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Login:
    """The first login, shown once."""

    username: str
    password: str


@dataclass
class Plan:
    """What to bring up, checked as far as it can be before anything starts."""

    draft: Draft
    data: DataDir
    postgres: EmbeddedPostgres | None
    redis: EmbeddedRedis | None
    extra: Extra | None = None
    listens: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


def make_plan(draft: Draft, extra: Extra | None = None) -> Plan:
    """Read everything that the start needs and make the data folder.

    Raises ConfigError, DataDirError, EmbeddedServerError.
    """
    shared, data = draft.shared, DataDir(draft.shared.data_dir)
    data.create()
    own = (OwnDatabase(DATABASE, reserved=True), *(extra.databases if extra else ()))
    postgres = EmbeddedPostgres(data, shared.embedded.postgres_listen, own) if shared.postgres is None else None
    redis = EmbeddedRedis(data, shared.embedded.redis_listen) if shared.redis is None else None
    plan = Plan(draft, data, postgres, redis, extra, listens=draft.listens())
    plan.variables = service_variables(plan.listens, data.root)
    if postgres is not None:
        plan.listens["embedded.postgres_listen"] = shared.embedded.postgres_listen
    if redis is not None:
        plan.listens["embedded.redis_listen"] = shared.embedded.redis_listen
    if extra is not None:
        if postgres is None or redis is None:
            raise ConfigError(f"{draft.file}: the demo runs on the embedded servers; leave out postgres and redis")
        plan.listens |= extra.listens(draft.config)
        plan.variables |= extra.variables(draft.config, postgres, redis)
    config = draft.validate({**os.environ, **plan.variables})
    # A broken rule file leaves the others at work; without a routing nobody would ever be paged.
    check_routing(config, base=draft.base)
    return plan


class Stack:
    """Everything that one `tocsin up` runs."""

    def __init__(self, plan: Plan, *, clock: Clock, console: Console) -> None:
        self.plan = plan
        self.family = Family(plan.data, clock, console)
        self._clock, self._console = clock, console
        self._tasks: list[asyncio.Task[object]] = []
        self._began = clock.monotonic()
        self._trouble = asyncio.Event()
        self._welcomed = False

    async def clear_the_way(self) -> None:
        """End what a killed supervisor left, then see that every address is free; raises PortsTakenError."""
        left = await end_leftovers(self.plan.data.root, self.plan.data.run, self._clock)
        if left:
            self._console.step("recovered", f"ended what an earlier run left: {', '.join(left)}", style="warning")
        check_ports(self.plan.listens)

    async def start(self) -> None:
        """Bring everything up and say so; parts that are not ready in time go on in the background."""
        plan = self.plan
        self._spawn(watch_space(plan.data.root, self._clock, self._console))
        dsn = plan.postgres.dsn(DATABASE) if plan.postgres else None
        url = plan.redis.url() if plan.redis else None
        config = write_effective(plan.draft, plan.data, dsn=dsn, url=url)
        shared = ConfigFile(config, environ={**os.environ, **plan.variables}).shared()
        dsn = dsn or (shared.postgres.resolve() if shared.postgres else "")
        database = self._spawn(self._persist("postgres", lambda: self._open_database(dsn)))
        redis = self._spawn(self._persist("redis", self._open_redis))
        await self._both_or_trouble(database, redis)
        draft = plan.draft
        services = service_processes(
            config, draft.base, plan.listens, plan.variables, tls=draft.tls, mutual_tls=draft.mutual_tls
        )
        extra = self._spawn(self._start_extra(database, redis))
        await asyncio.gather(*(self._bring_up(process) for process in services))
        if database.done() and redis.done():
            await extra
        self._welcome(_login_lines(database.result()) if database.done() else ["  Login       when PostgreSQL answers"])

    async def stop(self) -> None:
        """End everything in order: what is watched, the services, then the servers that keep their data."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.family.stop([*([name] for name in STOP_ORDER), ["redis"], ["postgres"]])

    def reload(self) -> None:
        """Have every service read its rule and routing files anew."""
        self.family.signal(SERVICES, signal.SIGHUP)
        self._console.event("reload", "ok", "asked all services to read their files anew")

    async def _both_or_trouble(self, *opening: "asyncio.Task[Any]") -> None:
        """Wait for the servers, but not for one that is in trouble: paging does without."""
        trouble = asyncio.create_task(self._trouble.wait())
        both = asyncio.ensure_future(asyncio.wait(opening))
        await asyncio.wait({trouble, both}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in (trouble, both):
            task.cancel()

    def _spawn(self, work: Awaitable[Result]) -> "asyncio.Task[Result]":
        async def run() -> Result:
            return await work

        task = asyncio.create_task(run())
        self._tasks.append(task)
        return task

    async def _persist(self, name: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """Try until it works: paging needs no database, so trouble with one must not stop the rest."""
        while True:
            try:
                return await work()
            except _AWAY as error:
                self._trouble.set()
                text = str(error) or type(error).__name__
                self._console.notice(name, Notice("error", text[:60], f"{text}; trying again"))
                await self._clock.sleep(_RETRY_SECONDS)

    async def _open_database(self, dsn: str) -> Login | None:
        began = self._clock.monotonic()
        server = self.plan.postgres
        if server is not None:
            if await server.prepare():
                self._console.step("postgres", "made a new database cluster", seconds=self._clock.monotonic() - began)
            await self._open_server(server.process())
            await server.ensure_databases()
        applied = await migrate(dsn)
        login = await ensure_first_user(dsn)
        text = f"ready{f', {len(applied)} migration(s) applied' if applied else ''}"
        self._console.step("postgres", text, seconds=self._clock.monotonic() - began)
        shown = Login(*login) if login is not None else None
        if self._welcomed:
            self._console.line("\n".join(_login_lines(shown)))
        return shown

    async def _open_redis(self) -> None:
        began = self._clock.monotonic()
        if (server := self.plan.redis) is not None:
            await server.prepare()
            await self._open_server(server.process())
            self._console.step("redis", "ready", seconds=self._clock.monotonic() - began)

    async def _open_server(self, process: Process) -> None:
        if process.name not in self.family.children:
            self.family.start(process)
        if missing := await self.family.wait_ready(process, limit=READY_SECONDS):
            raise EmbeddedServerError(f"not ready after {READY_SECONDS:.0f} s: {missing}")

    async def _bring_up(self, process: Process) -> None:
        began = self._clock.monotonic()
        self.family.start(process)
        if missing := await self.family.wait_ready(process, limit=READY_SECONDS):
            log = self.plan.data.log / f"{process.name}.log"
            self._console.step(process.name, f"not ready yet: {missing} (see {log})", style="warning")
        else:
            self._console.step(process.name, "ready", seconds=self._clock.monotonic() - began)

    async def _start_extra(self, *needed: "asyncio.Task[object]") -> None:
        await asyncio.wait(needed)
        await self._persist("demo", self._open_extra)

    async def _open_extra(self) -> None:
        plan = self.plan
        if plan.extra is None or plan.postgres is None or plan.redis is None:
            return
        began = self._clock.monotonic()
        for process in await plan.extra.prepare(plan.draft.config, plan.postgres, plan.redis, plan.data.run):
            if process.name not in self.family.children:
                self.family.start(process)
        self._console.step("demo", "started", seconds=self._clock.monotonic() - began)

    def _welcome(self, login: list[str]) -> None:
        plan = self.plan
        took = self._clock.monotonic() - self._began
        lines = [
            "",
            f"Tocsin is up after {took:.1f} s; its data is in {plan.data.root}",
            f"  Dashboard   {plan.draft.dashboard}",
        ]
        lines += login
        lines += [f"  {line}" for line in (plan.extra.welcome(plan.draft.config) if plan.extra else ())]
        lines += ["  Stop        Ctrl-C", ""]
        self._console.line("\n".join(lines))
        self._welcomed = True


def _login_lines(login: Login | None) -> list[str]:
    if login is None:
        return ["  Login       as before (forgotten: tocsin user passwd admin)"]
    return [
        f"  Login       {login.username}   password {login.password}",
        f"              (shown this once; set another: tocsin user passwd {login.username})",
    ]
