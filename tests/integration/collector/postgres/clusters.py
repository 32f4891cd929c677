"""PostgreSQL servers of several versions, and a standby, for tests that need more than a database."""

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from scripts.servers import bin_of
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import EMBEDDED, new_home, new_server_home, server_user
from tests.fixtures.servers import _wait_for_port
from tests.fixtures.waiting import until
from tests.integration.collector.conftest import OwnServer

BINARIES = {
    15: Path("/usr/lib/postgresql/15/bin"),
    18: EMBEDDED,
    **{version: bin_of(f"postgres-{version}") for version in (13, 14, 16, 17)},
}
OPTIONS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "shared_buffers": "32MB",
    "max_connections": "60", "autovacuum": "off", "shared_preload_libraries": "pg_stat_statements",
    "wal_level": "replica", "hot_standby": "on",
}  # fmt: skip


class Cluster(OwnServer):
    """One running server; `watcher` is a role that has pg_monitor and nothing else."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, home: Path, version: int) -> None:
        super().__init__(process, port)
        self.home, self.version = home, version

    def dsn(self, role: str = "watcher", database: str = "postgres") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.dsn("postgres", database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, query: str, *args: Any, database: str = "postgres") -> Any:
        connection = await asyncpg.connect(self.dsn("postgres", database))
        try:
            return await connection.fetchval(query, *args)
        finally:
            await connection.close()

    async def ready(self) -> "Cluster":
        async def answers() -> bool:
            assert self.process.poll() is None, (self.home / "log").read_text()
            with suppress(OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                await self.value("SELECT 1")
                return True
            return False

        await until(answers, seconds=30)
        return self

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)


def _start(home: Path, version: int, options: Mapping[str, str]) -> Cluster:
    port = free_port()
    arguments = [part for key, value in {**OPTIONS, "port": str(port), **options}.items()
                 for part in ("-c", f"{key}={value}")]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [BINARIES[version] / "postgres", "-D", home / "data", *arguments],
            stdout=log, stderr=log, cwd=home, start_new_session=True, **server_user(),
        )  # fmt: skip
    _wait_for_port(port, process)
    return Cluster(process, port, home, version)


def need(version: int) -> None:
    """Skip the test where the machine has no server of this version."""
    if not (BINARIES[version] / "postgres").exists():
        how = "apt-get install postgresql-15" if version == 15 else "sh scripts/peers.sh, see scripts/servers"
        pytest.skip(f"PostgreSQL {version} is not installed at {BINARIES[version]} ({how})")


def _initialised(version: int) -> Path:
    return new_server_home(BINARIES[version], "--username=postgres", "--auth=trust", "--data-checksums")


def primary(version: int = 18, **options: str) -> Cluster:
    """Start a fresh server; ask `ready` before use."""
    return _start(_initialised(version), version, options)


def pair(version: int, **options: str) -> tuple[Cluster, Cluster]:
    """Start a fresh server and its standby: its copy from before the first start, for want of pg_basebackup."""
    home, other = _initialised(version), new_home()
    subprocess.run(["cp", "-a", home / "data", other / "data"], check=True)
    # A standby refuses to start with fewer connections than the server had when it was initialised.
    options = {"max_connections": "100", **options}
    first = _start(home, version, options)
    # Written by who the server runs as: it must be able to remove it.
    subprocess.run(["touch", other / "data" / "standby.signal"], check=True, **server_user())
    upstream = f"host=127.0.0.1 port={first.port} user=postgres application_name=spare"
    return first, _start(other, version, {**options, "primary_conninfo": upstream})


def standby(of: Cluster, slot: str) -> Cluster:
    """Start a streaming standby over a physical slot that is made for it."""
    home = new_home()
    subprocess.run(
        [BINARIES[of.version] / "pg_basebackup", "-D", home / "data", "-d", of.dsn("postgres"), "-R", "-C", "-S", slot,
         "--checkpoint=fast", "--no-sync"],
        check=True, capture_output=True, cwd=home, **server_user(),
    )  # fmt: skip
    return _start(home, of.version, {})
