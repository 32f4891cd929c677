"""Puts the rules made here where the evaluator reads them: one rule file in the data folder."""

import asyncio
import os
import secrets
from pathlib import Path

import structlog

from services.api.rules.compile import FILE, rule_file
from services.api.rules.store import RuleStore
from services.common.clock import Clock

SECONDS = 5.0
log = structlog.get_logger(__name__)


class RuleDelivery:
    """Writes the file when it differs from the table; copies of the API write the same, whole files only."""

    def __init__(self, store: RuleStore, folder: Path, clock: Clock) -> None:
        self._store, self._path, self._clock = store, folder / FILE, clock
        self._one_at_a_time = asyncio.Lock()

    async def round(self) -> None:
        """Deliver, then wait; raises StorageUnavailableError, and the last file stays in force."""
        await self.deliver()
        await self._clock.sleep(SECONDS)

    async def deliver(self) -> None:
        """Bring the file up to the table."""
        async with self._one_at_a_time:
            rules = await self._store.all()
            text = rule_file((one.id, one.rule) for one in rules if one.rule.enabled)
            if await asyncio.to_thread(self._write, text):
                log.info("rules_delivered", rules=len(rules))

    def _write(self, text: str) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists() and self._path.read_text(encoding="utf-8") == text:
            return False
        # No name that the evaluator looks for: it must never read half a file.
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, self._path)  # noqa: PTH105 - the same as Path.replace
        return True
