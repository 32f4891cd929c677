"""Keeps the interpreter's own housekeeping small: what lives long is not looked at again and again.

A full collection walks every label set and every rule: hundreds of milliseconds at 100,000 series, in which nothing is
scraped or evaluated. So what is there once the number of series or rules has grown is frozen, and the memory that the
growth left unused is given back. What became garbage among the frozen is found by a full collection once an hour.
"""

import ctypes
import gc
from collections.abc import Callable

from services.common.clock import Clock

_GROWTH = 1.2
_LEAST = 20_000
_A_RULE = 100
"""So many series is a rule with its expression, in objects."""
_FULL_EVERY = 3600.0


class Tidy:
    """Looks after the collector; `trim` gives unused memory back to the system."""

    def __init__(self, clock: Clock, trim: Callable[[], object] | None = None) -> None:
        self._clock, self._trim = clock, _trimmer() if trim is None else trim
        self._frozen_at = 0
        self._full_at = clock.monotonic()

    def round(self, series: int, rules: int) -> None:
        """Freeze what has come, if much has."""
        now, held = self._clock.monotonic(), series + _A_RULE * rules
        if held < _LEAST:
            return
        if now - self._full_at >= _FULL_EVERY:
            gc.unfreeze()
            gc.collect()
            self._full_at = now
        elif held < self._frozen_at * _GROWTH:
            return
        else:
            # Young garbage only: what is old and dead waits for the full collection.
            gc.collect(1)
        gc.freeze()
        self._trim()
        self._frozen_at = held


def _trimmer() -> Callable[[], object]:
    # glibc's; other C libraries give memory back by themselves or not at all.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else (lambda: trim(0))
