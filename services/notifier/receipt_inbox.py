"""Providers' receipts to the copy that works: one that came to another copy waits in Redis until it is read."""

from collections.abc import Awaitable, Mapping
from typing import Any, cast

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.notifier.channels.kit.inbound import Receipt
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.receipts import take_receipt
from services.notifier.store import PREFIX

KEY = f"{PREFIX}:receipts"
_MOST = 10_000
_BATCH = 100
log = structlog.get_logger(__name__)


class ReceiptInbox:
    """Over one pipeline; a receipt that is read twice is one row and one message."""

    def __init__(self, pipeline: Pipeline, redis: Redis | None) -> None:
        self._pipeline, self._redis = pipeline, redis

    async def take(self, told: Mapping[str, Any], receipt: Receipt) -> bool:
        """Do what follows, or leave it for the copy that works; False when neither can be done."""
        try:
            await self._apply([(told, receipt)])
        except StandbyError:
            return await self._leave(told, receipt)
        return True

    async def _apply(self, items: list[tuple[Mapping[str, Any], Receipt]]) -> bool:
        pipeline = self._pipeline

        def change(now: float) -> None:
            for told, receipt in items:
                moved = take_receipt(pipeline.engine, told, receipt, now)
                if receipt.failed:
                    log.warning(
                        "delivery_undone", channel=told["channel"], reason=receipt.status, detail=receipt.detail,
                        instead=moved.channel if moved is not None else "",
                    )  # fmt: skip

        saved = await pipeline.step(change)
        pipeline.attempted.set()
        return saved

    async def _leave(self, told: Mapping[str, Any], receipt: Receipt) -> bool:
        if self._redis is None:
            return False
        row = orjson.dumps([told, receipt.provider_id, receipt.status, receipt.failed, receipt.detail])
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(KEY, row)
                # What is never read must not grow without an end.
                pipe.ltrim(KEY, -_MOST, -1)
                await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("receipt_not_kept", error=error)
            return False
        return True

    async def round(self) -> None:
        """Read what other copies have left, if Redis is there; raises StandbyError."""
        redis = self._redis
        if redis is None or not self._pipeline.store.online:
            return
        try:
            rows = await cast("Awaitable[list[bytes]]", redis.lrange(KEY, 0, _BATCH - 1))
            # Only this copy takes off, the others add at the other end.
            if rows and await self._apply([_read(row) for row in rows]):
                await cast("Awaitable[object]", redis.ltrim(KEY, len(rows), -1))
        except (RedisError, OSError):
            # The store says that Redis is away; the receipts are read when it is back.
            return


def _read(row: bytes) -> tuple[Mapping[str, Any], Receipt]:
    told, provider_id, status, failed, detail = orjson.loads(row)
    return told, Receipt(provider_id, status, failed=failed, detail=detail)
