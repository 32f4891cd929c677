"""Queues on a Redis broker, read in one round trip."""

from collections.abc import Sequence

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.collector.sources.celery.queues import BrokerFacts, QueueFacts, queue_keys
from services.collector.sources.redis.source import connect_target, drop_client, translate


class RedisBroker:
    """One kept connection, made at the first scrape and again after a failure."""

    def __init__(self, url: str, *, steps: Sequence[int], separator: str, prefix: str, unacked_key: str) -> None:
        self._url, self._steps, self._separator = url, steps, separator
        self._prefix, self._unacked_key = prefix, unacked_key
        self._client: Redis | None = None

    async def read(self, queues: Sequence[str], limit: float, *, password: str | None) -> BrokerFacts:
        """Return lengths and next messages; raises ScrapeError."""
        if self._client is None:
            self._client = connect_target(SecretStr(self._url), username=None, password=password, limit=limit)
        try:
            return await self._ask(self._client, queues)
        except (RedisError, OSError) as error:
            await self.close()
            raise translate(error) from error
        except BaseException:
            # A reply that comes late would answer the next question: the connection must not be used again.
            await self.close()
            raise

    async def _ask(self, client: Redis, queues: Sequence[str]) -> BrokerFacts:
        keys = {queue: queue_keys(queue, self._steps, self._separator) for queue in queues}
        pipeline = client.pipeline(transaction=False)
        pipeline.hlen(self._prefix + self._unacked_key)
        for lists in keys.values():
            for key in lists:
                pipeline.llen(self._prefix + key)
                pipeline.lindex(self._prefix + key, -1)
        unacked, *answers = await pipeline.execute(raise_on_error=True)
        found, position = [], 0
        for queue, lists in keys.items():
            part = answers[position : position + 2 * len(lists)]
            position += len(part)
            tails = tuple(zip(lists, part[1::2], strict=True))
            found.append(QueueFacts(queue, sum(part[::2]), tails))
        return BrokerFacts(tuple(found), unacked=unacked)

    async def close(self) -> None:
        """Drop the connection."""
        client, self._client = self._client, None
        if client is not None:
            await drop_client(client)
