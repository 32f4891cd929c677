"""Redis and Valkey: one kept connection, four commands in one round trip."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from services import __version__
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, PasswordModel, SourceKind
from services.collector.sources.redis.facts import write_info, write_latency, write_slowlog

_SLOW_ENTRIES = 16
_CLOSE_LIMIT = 0.5
_AUTH_WORDS = ("NOAUTH", "WRONGPASS", "invalid password", "invalid username", "AUTH ", "Authentication required")


def check_redis_url(url: SecretStr) -> SecretStr:
    """Return the URL if it is one of Redis; the error does not show it, as it may carry a password."""
    if urlsplit(url.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not a Redis URL; write it like redis://host:6379/0")
    return url


def bare_address(url: SecretStr) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url.get_secret_value())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def connect_target(url: SecretStr, *, username: str | None, password: str | None, limit: float) -> Redis:
    """Return a client of one connection that never tries again by itself; every wait ends within `limit` seconds."""
    # Only what is given may override the URL's own user and password.
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


def translate(error: BaseException) -> ScrapeError:
    """Return a client's error as ours, with the mend where one is known."""
    text = str(error)
    if isinstance(error, NoPermissionError):
        return ScrapeError(Reason.PERMISSION, f"{text}; give the user the rights +info +slowlog +latency +ping")
    if isinstance(error, AuthenticationError) or (isinstance(error, ResponseError) and text.startswith(_AUTH_WORDS)):
        return ScrapeError(Reason.AUTH, f"{text}; check password or password_file")
    if "max number of clients" in text:
        return ScrapeError(Reason.REFUSED, text)
    return ScrapeError(reason_of(error), text)


class RedisTarget(PasswordModel):
    """One server: its URL (from `${ENV}` where it carries a password), or password beside it."""

    url: SecretStr
    username: str | None = None

    @field_validator("url")
    @classmethod
    def _check(cls, url: SecretStr) -> SecretStr:
        return check_redis_url(url)


class RedisSource:
    """One target; the connection is made at the first scrape and again after a failure."""

    def __init__(self, target: RedisTarget, context: Context) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._client: Redis | None = None
        self._scrapes = 0

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port."""
        self._scrapes += 1
        if self._client is None:
            password = self._target.read_password(self._base)
            self._client = connect_target(
                self._target.url, username=self._target.username, password=password, limit=limit
            )
        try:
            await self._ask(self._client, sheet)
        except BaseException:
            # A reply that comes late would answer the next question: the connection must not be used again.
            await self.close()
            raise

    async def _ask(self, client: Redis, sheet: Sheet) -> None:
        start = self._clock.monotonic()
        pipeline = client.pipeline(transaction=False)
        pipeline.info("ALL")
        pipeline.slowlog_len()
        pipeline.slowlog_get(_SLOW_ENTRIES)
        pipeline.execute_command("LATENCY LATEST")
        try:
            info, length, slow, latency = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise translate(error) from error
        if isinstance(info, BaseException):
            raise translate(info) from info
        now = self._clock.now()
        write_info(sheet, info, now=now)
        # A user without the right to the slow log must not make the server look down.
        slow_failed = isinstance(length, BaseException) or isinstance(slow, BaseException)
        if not slow_failed:
            write_slowlog(sheet, length, slow, now=now)
        latency_failed = isinstance(latency, BaseException)
        if not latency_failed:
            write_latency(sheet, latency)
        for collector, failed in (("info", False), ("slowlog", slow_failed), ("latency", latency_failed)):
            sheet.gauge("redis_scrape_collector_success", "1 when this part worked", not failed, collector=collector)
        err = Reason.PERMISSION.value if slow_failed or latency_failed else ""
        self._write_own(sheet, up=True, err=err, took=self._clock.monotonic() - start)

    async def close(self) -> None:
        """Drop the connection."""
        client, self._client = self._client, None
        if client is not None:
            await drop_client(client)

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if sheet.value("redis_up") is None:
            self._write_own(sheet, up=False, err=reason, took=None)

    def _write_own(self, sheet: Sheet, *, up: bool, err: str, took: float | None) -> None:
        sheet.gauge("redis_up", "1 when the server answered this scrape, 0 when not", up)
        sheet.gauge("redis_exporter_last_scrape_error", "1 with the reason of the last error", bool(err), err=err)
        sheet.gauge("redis_exporter_last_scrape_duration_seconds", "Time of the last scrape", took)
        sheet.counter("redis_exporter_scrapes_total", "Scrapes of this target", self._scrapes)
        sheet.gauge("redis_exporter_build_info", "Always 1; who exports", 1, version=__version__)


async def open_redis(target: RedisTarget, context: Context) -> RedisSource:
    """Return the source; nothing is connected yet, so that a server that is down does not stop the start."""
    source = RedisSource(target, context)
    context.stack.push_async_callback(source.close)
    return source


KIND = SourceKind("redis", RedisTarget, open_redis, lambda target: bare_address(target.url))
