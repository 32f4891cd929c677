"""One tick for all rules that are evaluated at the same time, so that what they have in common is computed once."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from services.evaluator.head import Head
from services.evaluator.promql import Engine, Tick


@dataclass
class _Open:
    tick: Tick
    written: set[str] = field(default_factory=set)
    scoped: dict[float, Tick] = field(default_factory=dict)


class Round:
    """The evaluations of groups that are due together, as long as it `holds`.

    A tick's results are as old as the tick: it is opened anew for a rule that reads what a rule wrote since.
    """

    def __init__(self, engine: Engine, head: Head) -> None:
        self._engine, self._head = engine, head
        self._ticks: dict[int, _Open] = {}
        self._moves = head.moves

    def holds(self) -> bool:
        """Tell whether rows and columns are still where they were read."""
        return self._head.moves == self._moves

    def misses(self, at: float) -> bool:
        """Tell whether samples that came in just now, dated `at`, would change a result; later ones would not."""
        return any(t_ms >= round(at * 1000) for t_ms in self._ticks)

    def tick(self, t_ms: int, reads: AbstractSet[str] | None, interval: float) -> Tick:
        """Return the tick at a time for a rule that reads these names (None: any) once in an interval."""
        found = self._ticks.get(t_ms)
        if found is None or (found.written and (reads is None or not found.written.isdisjoint(reads))):
            found = self._ticks[t_ms] = _Open(self._engine.tick(self._head, t_ms))
        scoped = found.scoped.get(interval)
        if scoped is None:
            scoped = found.scoped[interval] = found.tick.scoped(interval)
        return scoped

    def wrote(self, names: AbstractSet[str]) -> None:
        """Hear what a rule wrote."""
        for one in self._ticks.values():
            one.written |= names
