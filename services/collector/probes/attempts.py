"""Trying again without hiding that the first try failed."""

from services.collector.probes.base import Prober, Run, Tools, run_probe
from services.collector.reasons import Reason
from services.collector.sheet import Sheet
from services.common.config import StrictModel

_ATTEMPTS = "How often this probe was tried; more than 1 when the first try failed."
_FIRST = "Displays whether or not the first try of the probe was a success"
_WHY = "1 with the reason why the first try of the probe failed"


async def probe_with_attempts(
    sheet: Sheet,
    tools: Tools,
    prober: Prober,
    target: str,
    module: StrictModel,
    *,
    limit: float,
    attempts: int = 1,
    hostname: str = "",
    notes: list[str] | None = None,
) -> Reason | None:
    """Probe up to `attempts` times within `limit` seconds, each try with its share; write the last try's samples.

    Returns why the last try failed. The first try's outcome is written beside it.
    """
    first: Reason | None = Reason.TIMEOUT
    reason: Reason | None = Reason.TIMEOUT
    number, found = 0, Sheet(sheet.target)
    try:
        while reason is not None and number < attempts:
            number, found = number + 1, Sheet(sheet.target)
            run = Run(found, tools, limit / attempts, hostname, notes if notes is not None else [])
            reason = await run_probe(run, prober, target, module)
            first = reason if number == 1 else first
    finally:
        # Also when the caller's time is over: what was found until then is kept.
        _take(sheet, found, number, first)
    return reason


def _take(sheet: Sheet, found: Sheet, number: int, first: Reason | None) -> None:
    for name, family in found.families.items():
        sheet.family(name, family.type, family.help).rows.extend(family.rows)
    sheet.gauge("probe_attempts", _ATTEMPTS, number)
    sheet.gauge("probe_first_attempt_success", _FIRST, first is None)
    if first is not None:
        sheet.gauge("probe_first_attempt_failed_reason", _WHY, 1, reason=first.value)
