"""The servers that rule groups name, each with one client."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from services.common.clock import Clock
from services.evaluator.remote.config import SourceConfig
from services.evaluator.remote.prefetch import Answers, prefetch
from services.evaluator.remote.session import ServerSession
from services.evaluator.remote.source import Source
from services.evaluator.rules.runner import GroupRunner


class Sources:
    """Opens a client at a server's first use; settings are found by the server's address.

    Raises ConfigError for TLS files that can't be used.
    """

    def __init__(self, stack: AsyncExitStack, configs: Sequence[SourceConfig], base: Path, clock: Clock) -> None:
        self._stack, self._base, self._clock = stack, base, clock
        self._known = {config.url.rstrip("/"): self._session(config) for config in configs}
        self._open: dict[str, Source] = {}

    def _session(self, config: SourceConfig) -> tuple[SourceConfig, ServerSession]:
        return config, ServerSession(config, self._base, self._clock, config.timeout)

    async def prepare(self, runner: GroupRunner, now: float) -> Answers:
        """Return what the group's source answers to its evaluation at `now`; never raises for a server's sake."""
        return await prefetch(runner, await self._source(runner.group.source), now)

    async def _source(self, url: str) -> Source:
        found = self._open.get(url)
        if found is None:
            config, session = self._known.get(url) or self._session(SourceConfig(url=url))
            await session.open(self._stack)
            # Another group may have been as quick.
            found = self._open.setdefault(url, Source(config, session))
        return found
