"""Targets that are probed at each scrape: one source for all probers."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from services.collector.probes.attempts import probe_with_attempts
from services.collector.probes.base import Prober, write_result
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind, TargetModel
from services.common.config import StrictModel


def probe_time(limit: float) -> float:
    """Return the seconds of a scrape that its probe may take: less what closing its connections may."""
    return limit - min(0.4, limit * 0.2)


def last_note(notes: Sequence[str]) -> str:
    """Return what happened last before the verdict, for the log."""
    return notes[-2] if len(notes) > 1 else "nothing was heard"


class ProbedTarget(TargetModel):
    """What every probed target has."""

    attempts: int = Field(default=1, ge=1, le=10)
    """How often to try before the probe has failed; probe_first_attempt_success tells of the first try alone."""


class ProbeSource:
    """Probes one target at each scrape; nothing is kept open between scrapes."""

    def __init__(
        self, prober: Prober, address: str, module: StrictModel, attempts: int, context: Context, up: tuple[str, str]
    ) -> None:
        self._prober, self._address, self._module, self._attempts = prober, address, module, attempts
        self._tools, self._up = context.tools, up

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; raises ScrapeError with the check's reason."""
        notes: list[str] = []
        reason = await probe_with_attempts(
            sheet, self._tools, self._prober, self._address, self._module,
            limit=probe_time(limit), attempts=self._attempts, notes=notes,
        )  # fmt: skip
        self._write_up(sheet, up=reason is None)
        if reason is not None:
            raise ScrapeError(reason, f"the check of {self._address} failed: {last_note(notes)}")

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        if sheet.value("probe_success") is None:
            write_result(sheet, Reason(reason))
        self._write_up(sheet, up=False)

    def _write_up(self, sheet: Sheet, *, up: bool) -> None:
        name, text = self._up
        if name and sheet.value(name) is None:
            sheet.gauge(name, text, up)


def probe_kind(
    prober: Prober,
    model: type[ProbedTarget],
    address: Callable[[Any], str],
    *,
    module: Callable[[Any], StrictModel] = lambda target: target.module,
    up: tuple[str, str] = ("", ""),
) -> SourceKind:
    """Return the line of the registry of sources for a prober's configured targets.

    `up` is name and help of a further metric that says whether the target answered.
    """

    async def open_probe(target: Any, context: Context) -> ProbeSource:
        return ProbeSource(prober, address(target), module(target), target.attempts, context, up)

    return SourceKind(prober.key, model, open_probe, address)
