"""One server: a kept connection, one write per scrape, each collector's result by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import structlog
from pydantic import SecretStr
from redis.exceptions import ResponseError

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet, format_value
from services.collector.sources.base import CollectorSwitch
from services.collector.sources.redis.client import (
    Address,
    Command,
    Dialer,
    Reply,
    ask,
    close,
    is_auth,
    translate,
)
from services.collector.sources.redis.collector import Memory, RedisCollector, Scene, Topology
from services.collector.sources.redis.commands import CommandStats
from services.collector.sources.redis.config import RedisTarget
from services.collector.sources.redis.fields import parse_info
from services.collector.sources.redis.refusal import check
from services.collector.sources.redis.registry import COLLECTORS
from services.collector.sources.redis.sheets import adopt, merge
from services.common.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

log = structlog.get_logger(__name__)
_NO_SWITCH = CollectorSwitch()
_SPARE = 0.02


@dataclass(frozen=True)
class Server:
    """What is asked once for each connection."""

    version: tuple[int, int]
    mode: str


@dataclass(frozen=True)
class Kept:
    """A collector's last result: when, what it wrote, and why it failed ("" when it did not)."""

    at: float
    sheet: Sheet
    reason: str


class Node:
    """A server at a URL, or at the address that it was discovered by."""

    def __init__(self, where: SecretStr | Address, target: RedisTarget, dialer: Dialer, clock: Clock) -> None:
        self._where, self._target, self._dialer, self._clock = where, target, dialer, clock
        self._connection: AbstractConnection | None = None
        self._server = Server((0, 0), "standalone")
        self._memory = Memory(CommandStats(target.top_commands))
        self._kept: dict[str, Kept] = {}
        self._scrapes, self._seconds = 0, 0.0
        self._host, self._db, self._local = _place(where)
        self._tls = urlsplit(target.url.get_secret_value()).scheme == "rediss"

    async def scrape(self, sheet: Sheet, limit: float, *, discover: bool = False) -> Topology | None:
        """Write the server's samples within `limit` seconds; raises ScrapeError or ConfigError.

        Returns the nodes that it knows, when asked to discover them.
        """
        self._scrapes += 1
        start = self._clock.monotonic()
        connected = 0.0
        try:
            if self._connection is None:
                await self._connect(limit)
                connected = self._clock.monotonic() - start
            scene = self._scene(start + limit - _SPARE, discover=discover)
            reasons = await self._run(scene, sheet, kept=not connected)
        except BaseException:
            self._seconds += self._clock.monotonic() - start
            # A reply that comes late would answer the next question: the connection must not be used again.
            await self.close()
            raise
        text = "Time of the last connect, in seconds; 0 while the connection is kept."
        sheet.gauge("redis_exporter_last_scrape_connect_time_seconds", text, connected)
        self.write_own(sheet, reason=next(iter(reasons), ""), up=True, took=self._clock.monotonic() - start)
        return scene.topology

    async def _connect(self, limit: float) -> None:
        self._connection = await self._dialer.connect(self._where, limit)
        # A user need not have the right to either.
        _, reply = await self._ask([("CLIENT", "SETNAME", "tocsin-collector"), ("INFO", "SERVER")])
        if isinstance(reply, ResponseError):
            if is_auth(reply):
                raise translate(reply)
            self._server = Server((0, 0), "standalone")
            return
        info = parse_info(reply)
        major, _, rest = info.get("redis_version", "0.0").partition(".")
        minor = rest.partition(".")[0]
        mode = info.get("redis_mode") or info.get("server_mode", "standalone")
        version = (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
        self._server = Server(version, mode)

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        if self._connection is None:
            raise ScrapeError(Reason.CLOSED, "the connection was closed")
        return await ask(self._connection, commands)

    async def _first(self, scene: Scene, commands: Sequence[Command], *, kept: bool) -> list[Reply]:
        try:
            return await self._ask(commands)
        except ScrapeError as error:
            if not kept or error.reason is not Reason.CLOSED:
                raise
        # A server that was started anew, or that ends idle connections, is not down.
        await self.close()
        await self._connect(scene.deadline - scene.monotonic())
        return await self._ask(commands)

    def _scene(self, deadline: float, *, discover: bool) -> Scene:
        return Scene(
            target=self._target, memory=self._memory, ask=self._ask, monotonic=self._clock.monotonic, deadline=deadline,
            now=self._clock.now(), version=self._server.version, mode=self._server.mode, host=self._host,
            tls=self._tls, db=self._db, local=self._local, discover=discover,
        )  # fmt: skip

    async def _run(self, scene: Scene, sheet: Sheet, *, kept: bool) -> list[str]:
        fresh: list[tuple[RedisCollector, Sequence[Command]]] = []
        for collector in COLLECTORS:
            if not collector.when(scene) or not self._enabled(collector):
                continue
            last = self._kept.get(collector.name)
            if last is None or scene.monotonic() - last.at >= self._interval(collector):
                fresh.append((collector, collector.commands(scene)))
        replies = iter(await self._first(scene, [command for _, commands in fresh for command in commands], kept=kept))
        own = {collector.name: [next(replies) for _ in commands] for collector, commands in fresh}
        reasons = []
        for collector in COLLECTORS:
            last = self._kept.get(collector.name)
            if collector.name in own:
                last = await self._one(collector, scene, own[collector.name])
                if self._interval(collector):
                    self._kept[collector.name] = last
                    merge(sheet, last.sheet)
                else:
                    adopt(sheet, last.sheet)
            elif last is not None and collector.when(scene):
                merge(sheet, last.sheet)
            if last is not None and last.reason and collector.when(scene):
                reasons.append(last.reason)
        return reasons

    def _enabled(self, collector: RedisCollector) -> bool:
        enabled = self._target.collectors.get(collector.name, _NO_SWITCH).enabled
        return collector.enabled if enabled is None else enabled

    def _interval(self, collector: RedisCollector) -> float:
        interval = self._target.collectors.get(collector.name, _NO_SWITCH).min_interval
        return collector.min_interval if interval is None else interval

    async def _one(self, collector: RedisCollector, scene: Scene, replies: Sequence[Reply]) -> Kept:
        part, reason, name = Sheet(), "", collector.name
        try:
            await collector.work(scene, part, check(replies))
        except ResponseError as error:
            if is_auth(error):
                raise translate(error) from error
            part, reason = Sheet(), translate(error).reason.value
        except (ValueError, KeyError, IndexError, TypeError) as error:
            # An answer of another shape than any known version's.
            log.warning("redis_reply_not_understood", collector=name, error=f"{type(error).__name__}: {error}")
            part, reason = Sheet(), Reason.PROTOCOL.value
        part.gauge("redis_scrape_collector_success", "1 when this part worked.", not reason, collector=name)
        if reason:
            text = "1 with the reason why a part failed."
            part.gauge("redis_scrape_collector_error", text, 1, collector=name, reason=reason)
        return Kept(scene.monotonic(), part, reason)

    def write_own(self, sheet: Sheet, *, reason: str, up: bool, took: float | None) -> None:
        """Write what is said of each scrape, also of one that failed."""
        sheet.gauge("redis_up", "1 when the server answered this scrape, 0 when not.", up)
        text = "1 with the reason of the last error; 0 without one."
        sheet.gauge("redis_exporter_last_scrape_error", text, bool(reason), err=reason)
        text = "Duration of the last scrape, in seconds."
        sheet.gauge("redis_exporter_last_scrape_duration_seconds", text, took)
        sheet.counter("redis_exporter_scrapes_total", "Scrapes of this server.", self._scrapes)
        self._seconds += took or 0.0
        name = "redis_exporter_scrape_duration_seconds"
        sheet.family(name, "summary", "Durations of scrapes of this server, summed up.").rows.extend(
            [(f"{name}_sum", "", format_value(self._seconds)), (f"{name}_count", "", str(self._scrapes))]
        )

    async def close(self) -> None:
        """Drop the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)


def _place(where: SecretStr | Address) -> tuple[str, int, bool]:
    # Host, database, and whether the server runs on this machine.
    if isinstance(where, Address):
        return where.host, 0, is_loopback(where.host)
    parts = urlsplit(where.get_secret_value())
    if parts.scheme == "unix":
        db = parse_qs(parts.query).get("db", ["0"])[0]
        return "", int(db) if db.isdigit() else 0, True
    host, db = parts.hostname or "localhost", parts.path.strip("/")
    return host, int(db) if db.isdigit() else 0, is_loopback(host)


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or number is this machine's own loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
