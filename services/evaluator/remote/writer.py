"""Sends what rules write to another server: bounded queue, retries, nothing lost silently."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import structlog

from services.common.clock import Clock
from services.common.config import ConfigError
from services.common.oauth2 import TokenError
from services.evaluator.config import EvaluatorConfig
from services.evaluator.remote.config import RemoteWriteConfig
from services.evaluator.remote.session import ServerSession
from services.evaluator.remote.wire import Sample, write_request
from services.evaluator.telemetry import RemoteWriteTelemetry

_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_TOO_MANY = 429
_SERVER_ERROR = 500
_LONGEST_WAIT = 60.0
log = structlog.get_logger(__name__)


class RemoteWriter:
    """One server's queue. Samples leave in the order in which they were made; the oldest go when it is full."""

    def __init__(
        self, config: RemoteWriteConfig, external: Mapping[str, str], session: ServerSession, clock: Clock,
        telemetry: RemoteWriteTelemetry,
    ) -> None:  # fmt: skip
        self.server = config.label
        self._config, self._external, self._session, self._clock = config, external, session, clock
        self._telemetry = telemetry
        self._queue: deque[Sample] = deque()
        self._more = asyncio.Event()
        self._trouble = ""

    def offer(self, t_ms: int, labels: Sequence[Mapping[str, str]], values: Sequence[float]) -> None:
        """Take samples in; never waits."""
        for one, value in zip(labels, values, strict=True):
            self._queue.append(({**self._external, **one}, t_ms, value))
        over = len(self._queue) - self._config.capacity
        if over > 0:
            for _ in range(over):
                self._queue.popleft()
            self._dropped("queue_full", over)
        self._telemetry.queued.labels(self.server).set(len(self._queue))
        self._more.set()

    async def run(self) -> None:
        """Send for ever."""
        wait = self._config.min_backoff
        while True:
            if not self._queue:
                self._more.clear()
                await self._more.wait()
            wait = await self._step(wait)

    async def flush(self) -> None:
        """Send what waits, for `flush_deadline` at most; what is left then is counted, named and given up.

        To be called when `run` has ended.
        """
        wait = self._config.min_backoff
        try:
            async with asyncio.timeout(self._config.flush_deadline):
                while self._queue:
                    wait = await self._step(wait)
        except TimeoutError:
            left = len(self._queue)
            self._dropped("shutdown", left)
            self._queue.clear()
            self._telemetry.queued.labels(self.server).set(0)
            log.warning("remote_write_dropped", server=self.server, reason="shutdown", samples=left)

    async def _step(self, wait: float) -> float:
        """Send one batch; return how long to wait should the next one fail."""
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._config.max_samples_per_send))]
        try:
            reason, asked = await self._send(batch)
        except asyncio.CancelledError:
            # The server may have taken them; the same samples again are no error to it.
            self._queue.extendleft(reversed(batch))
            raise
        if reason == "":
            self._telemetry.samples.labels(self.server).inc(len(batch))
            wait = self._config.min_backoff
            self._note("")
        elif reason.startswith("refused"):
            # The server will say the same again of the same samples.
            self._dropped(reason, len(batch))
            self._note(reason)
        else:
            self._queue.extendleft(reversed(batch))
            self._telemetry.retries.labels(self.server, reason).inc()
            self._note(reason)
            await self._clock.sleep(min(max(wait, asked), _LONGEST_WAIT))
            wait = min(wait * 2, self._config.max_backoff)
        self._telemetry.queued.labels(self.server).set(len(self._queue))
        return wait

    async def _send(self, batch: Sequence[Sample]) -> tuple[str, float]:
        """Return why it failed, empty when it did not, and how long the server wants us to wait."""
        try:
            async with self._session.post(self._config.url, data=write_request(batch), headers=_HEADERS) as response:
                if response.ok:
                    return "", 0.0
                if response.status == _TOO_MANY or response.status >= _SERVER_ERROR:
                    return f"status_{response.status}", _seconds(response.headers.get("Retry-After", ""))
                return f"refused_{response.status}", 0.0
        except TimeoutError:
            return "timeout", 0.0
        except (ConfigError, TokenError):
            return "credentials", 0.0
        except (aiohttp.ClientError, OSError):
            return "unreachable", 0.0

    def _dropped(self, reason: str, count: int) -> None:
        self._telemetry.dropped.labels(self.server, reason).inc(count)
        if reason == "queue_full":
            self._note(self._trouble or reason)

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            if trouble:
                log.warning("remote_write_failing", server=self.server, reason=trouble, waiting=len(self._queue))
            else:
                log.info("remote_write_recovered", server=self.server)
        self._trouble = trouble


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


def offer_all(
    writers: Sequence[RemoteWriter], t_ms: int, labels: Sequence[Mapping[str, str]], values: Sequence[float]
) -> None:
    """Give samples to every writer."""
    for writer in writers:
        writer.offer(t_ms, labels, values)


async def open_writers(
    stack: AsyncExitStack, config: EvaluatorConfig, *, base: Path, clock: Clock, telemetry: RemoteWriteTelemetry
) -> list[RemoteWriter]:
    """Return a writer for each server of the configuration; raises ConfigError for TLS files that can't be used."""
    writers = []
    for one in config.remote_write:
        session = ServerSession(one, base, clock, one.remote_timeout)
        await session.open(stack)
        writer = RemoteWriter(one, config.global_.external_labels, session, clock, telemetry)
        # Undone before the session closes, and after what is spawned later: the scrapes, the rules and `run`.
        stack.push_async_callback(writer.flush)
        writers.append(writer)
    return writers
