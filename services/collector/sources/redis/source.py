"""Redis and Valkey: one server, or all nodes of a Cluster or of what Sentinels watch."""

from pydantic import SecretStr

from services import __version__
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind
from services.collector.sources.redis.client import Address, Dialer, connect_target, drop_client, translate
from services.collector.sources.redis.config import RedisTarget, bare_address, check_redis_url
from services.collector.sources.redis.fleet import Fleet
from services.collector.sources.redis.node import Node

# The Celery source speaks to its broker by these.
__all__ = ["KIND", "bare_address", "check_redis_url", "connect_target", "drop_client", "translate"]


class RedisSource:
    """One target; connections are made at the first scrape and again after a failure."""

    def __init__(self, target: RedisTarget, context: Context) -> None:
        self._clock, dialer = context.clock, Dialer(target, context.base)

        def make(where: SecretStr | Address) -> Node:
            return Node(where, target, dialer, context.clock)

        self._node = make(target.url)
        self._fleet = None if target.discover == "none" else Fleet(target, make)

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port."""
        self._build_info(sheet)
        if self._fleet is not None:
            await self._fleet.scrape(sheet, limit, self._clock.monotonic)
        else:
            await self._node.scrape(sheet, limit)

    async def close(self) -> None:
        """Drop the connections."""
        await self._node.close()
        if self._fleet is not None:
            await self._fleet.close()

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if "redis_up" not in sheet.names():
            self._build_info(sheet)
            self._node.write_own(sheet, reason=reason, up=False, took=None)

    def _build_info(self, sheet: Sheet) -> None:
        if "redis_exporter_build_info" not in sheet.families:
            sheet.gauge("redis_exporter_build_info", "Always 1; who exports.", 1, version=__version__)


async def open_redis(target: RedisTarget, context: Context) -> RedisSource:
    """Return the source; nothing is connected yet, so that a server that is down does not stop the start."""
    source = RedisSource(target, context)
    context.stack.push_async_callback(source.close)
    return source


KIND = SourceKind("redis", RedisTarget, open_redis, lambda target: bare_address(target.url))
