"""Connections to Redis that never try again by themselves, and what their errors mean."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sources.redis.config import RedisTarget

Command: TypeAlias = tuple[str | int | float, ...]
Reply: TypeAlias = Any
"""Text, a whole number, None, a list of replies, or the ResponseError that stands in a refused command's place."""

_CLOSE_LIMIT = 0.5
_AUTH_WORDS = ("NOAUTH", "WRONGPASS", "invalid password", "invalid username", "AUTH ", "Authentication required")


@dataclass(frozen=True)
class Address:
    """Where a discovered node listens."""

    host: str
    port: int
    sentinel: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def seed_label(url: SecretStr) -> str:
    """Return what stands in `node` until a seed says its own address."""
    parts = urlsplit(url.get_secret_value())
    return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]


def translate(error: BaseException) -> ScrapeError:
    """Return a client's error as ours, with the mend where one is known."""
    text = str(error)
    if isinstance(error, NoPermissionError) or text.startswith("NOPERM"):
        return ScrapeError(Reason.PERMISSION, f"{text}; give the user the rights +info +slowlog +latency +ping")
    if isinstance(error, AuthenticationError) or (isinstance(error, ResponseError) and text.startswith(_AUTH_WORDS)):
        return ScrapeError(Reason.AUTH, f"{text}; check password or password_file")
    if "closed by server" in text:
        return ScrapeError(Reason.CLOSED, text)
    if "max number of clients" in text:
        return ScrapeError(Reason.REFUSED, text)
    return ScrapeError(reason_of(error), text)


def is_auth(error: BaseException) -> bool:
    """Tell whether an error in a command's place says that nothing else will be answered either."""
    return translate(error).reason in {Reason.AUTH, Reason.REFUSED}


class Dialer:
    """Opens connections as a target's configuration says; secrets and certificates are read at each connect."""

    def __init__(self, target: RedisTarget, base: Path) -> None:
        self._target, self._base = target, base

    async def connect(self, where: SecretStr | Address, limit: float) -> AbstractConnection:
        """Return an open connection; raises ScrapeError or ConfigError."""
        pool: Any = self._pool(where, limit)
        # The library has no annotations for its connections' methods.
        connection: Any = pool.make_connection()
        try:
            await connection.connect()
        except (RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise translate(error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        opened: AbstractConnection = connection
        return opened

    def _pool(self, where: SecretStr | Address, limit: float) -> ConnectionPool:
        target = self._target
        url = where.get_secret_value() if isinstance(where, SecretStr) else self._node_url(where)
        sentinel = where.sentinel if isinstance(where, Address) else target.discover == "sentinel"
        if sentinel:
            user, password = target.sentinel_username, target.read_sentinel_password(self._base)
        else:
            user, password = target.username, target.read_password(self._base)
        # Only what is given may override the URL's own user and password.
        given: dict[str, Any] = {"username": user, "password": password}
        return ConnectionPool.from_url(
            url,
            **{key: value for key, value in given.items() if value is not None},
            **self._tls(),
            **_plain(limit),
        )

    def _node_url(self, address: Address) -> str:
        # A node is reached like the seed, at its own address. Sentinels and the servers they watch have separate
        # users, so that the seed's may not be shown to them.
        parts = urlsplit(self._target.url.get_secret_value())
        of_seed = self._target.discover != "sentinel" or address.sentinel
        user = f"{parts.netloc.rpartition('@')[0]}@" if of_seed and "@" in parts.netloc else ""
        scheme = "rediss" if parts.scheme == "rediss" else "redis"
        return urlunsplit((scheme, f"{user}{address}", "", "", ""))

    def _tls(self) -> dict[str, Any]:
        tls = self._target.tls
        if tls is None:
            return {}
        files = {"ssl_ca_certs": tls.ca_file, "ssl_certfile": tls.cert_file, "ssl_keyfile": tls.key_file}
        return {
            **{name: str(self._base / file) for name, file in files.items() if file is not None},
            "ssl_cert_reqs": "none" if tls.insecure_skip_verify else "required",
            "ssl_check_hostname": tls.check_hostname and not tls.insecure_skip_verify,
        }


def _plain(limit: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        # Keys and client names may be any bytes.
        "encoding_errors": "backslashreplace",
        "protocol": 2,
        "socket_connect_timeout": limit,
        "socket_timeout": limit,
        "retry": Retry(NoBackoff(), 0),
        # CLIENT SETINFO is not for Redis 5 to 7.0, and not a right of every user.
        "driver_info": None,
    }


async def ask(connection: AbstractConnection, commands: Sequence[Command]) -> list[Reply]:
    """Send commands in one write and return a reply for each; raises ScrapeError when the connection is lost."""
    try:
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        return [await _reply(connection) for _ in commands]
    except (RedisError, OSError) as error:
        raise translate(error) from error


async def _reply(connection: AbstractConnection) -> Reply:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


async def close(connection: AbstractConnection) -> None:
    """Close a connection; a server that hangs can't hold this back."""
    closing = asyncio.ensure_future(connection.disconnect(nowait=True))
    await asyncio.wait({closing}, timeout=_CLOSE_LIMIT)
    closing.cancel()


def connect_target(url: SecretStr, *, username: str | None, password: str | None, limit: float) -> Redis:
    """Return a client of one connection that never tries again by itself; every wait ends within `limit` seconds."""
    given: dict[str, Any] = {"username": username, "password": password}
    return Redis.from_url(
        url.get_secret_value(),
        **{key: value for key, value in given.items() if value is not None},
        decode_responses=True,
        max_connections=1,
        socket_connect_timeout=limit,
        socket_timeout=limit,
        retry=Retry(NoBackoff(), 0),
        client_name="tocsin-collector",
    )


async def drop_client(client: Redis) -> None:
    """Close a client's connection; a server that hangs can't hold this back."""
    closing = asyncio.ensure_future(client.connection_pool.disconnect(inuse_connections=True))
    await asyncio.wait({closing}, timeout=_CLOSE_LIMIT)
    closing.cancel()
