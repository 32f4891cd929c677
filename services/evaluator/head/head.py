"""The head: recent samples of all targets, as columns."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.evaluator.head.index import Index, PoolRows
from services.evaluator.head.layout import Labels
from services.evaluator.head.merge import merged_block
from services.evaluator.head.pool import Pool
from services.evaluator.head.target import TargetColumns
from services.evaluator.promql.storage import Block, Matcher

_NAMED = 100


@dataclass(frozen=True, slots=True)
class HeadStats:
    """Figures of the head; `rejected` counts samples or series by reason, `limited` series by target."""

    series: int
    samples: int
    targets: int
    bytes: int
    rejected: dict[str, int]
    limited: dict[str, int]


class Head:
    """A storage of the last `retention_s` seconds.

    `max_series` and `max_series_per_target` bound what is held; series beyond are refused, counted and their target
    named. `exempt` counts those held beside the limits. `keep` tells by metric name which series are held; None: all.
    """

    def __init__(
        self, *, retention_s: float, max_series: int = 1_000_000, max_series_per_target: int = 100_000
    ) -> None:
        self.max_series, self.max_series_per_target = max_series, max_series_per_target
        self.exempt = 0
        self.index = Index()
        self._keep: Callable[[str], bool] | None = None
        self._retention_ms = round(retention_s * 1000)
        self._pools: list[Pool] = []
        self._shared_pools: dict[float, Pool] = {}
        self._targets: dict[str, TargetColumns] = {}
        self._rejected: Counter[str] = Counter()
        self._limited: Counter[str] = Counter()

    def target(self, key: str, *, interval_s: float | None = None, limited: bool = True) -> TargetColumns:
        """Return the columns of a target, made at first asking; `limited`: the limits on series hold for it.

        Targets with the same interval share one matrix, which is what makes selections over many targets cheap;
        without an interval a target has its own.
        """
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = TargetColumns(self, key, self._pool(interval_s), limited=limited)
        return found

    def attach(self, target: TargetColumns) -> None:
        """Take a target back that was dropped and is appended to again."""
        self._targets[target.key] = target
        if target.pool not in self._pools:
            self._pools.append(target.pool)

    def _pool(self, interval_s: float | None) -> Pool:
        pool = None if interval_s is None else self._shared_pools.get(interval_s)
        if pool is None:
            pool = Pool(self._retention_ms, cold=self._keep is None)
            self._pools.append(pool)
            if interval_s is not None:
                self._shared_pools[interval_s] = pool
        return pool

    @property
    def keep(self) -> Callable[[str], bool] | None:
        """Which metric names are held."""
        return self._keep

    @keep.setter
    def keep(self, keep: Callable[[str], bool] | None) -> None:
        self._keep = keep
        for pool in self._pools:
            # What is kept because a rule reads it is hot from the start.
            pool.cold = keep is None
        for target in self._targets.values():
            target.remap()

    def set_retention(self, seconds: float) -> None:
        """Change how long samples are held; a longer time takes effect as samples arrive."""
        self._retention_ms = round(seconds * 1000)
        for pool in self._pools:
            pool.retention_ms = self._retention_ms

    def reject(self, reason: str, key: str, number: int) -> None:
        """Count what a target offered and the head refused."""
        self._rejected[reason] += number
        if reason.startswith("max_series") and (key in self._limited or len(self._limited) < _NAMED):
            self._limited[key] += number

    def admit(self, key: str, wanted: int, held: int) -> int:
        """Return how many new series a target may have."""
        own = max(0, self.max_series_per_target - held)
        if wanted > own:
            self.reject("max_series_per_target", key, wanted - own)
        room = max(0, self.max_series - (self.index.series - self.exempt))
        allowed = min(wanted, own)
        if allowed > room:
            self.reject("max_series", key, allowed - room)
        return min(allowed, room)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        """Return the columns that hold every sample with start < t <= end of the series that meet all matchers."""
        selection = self.index.select(tuple(matchers))
        blocks = [self._block(part, start_ms, end_ms) for part in selection.parts]
        return blocks + [merged_block(series, start_ms, end_ms) for series in selection.shared]

    def _block(self, part: PoolRows, start_ms: int, end_ms: int) -> Block:
        pool, rows = part.pool, part.rows
        times, values = pool.view(start_ms, end_ms)
        return Block(
            part.labels,
            times,
            values,
            part.layout,
            axes=part.axes,
            rows=rows,
            within=pool,
        )

    @property
    def moves(self) -> int:
        """How often rows or columns of scraped samples have become others: what was read before may not hold then."""
        return sum([pool.moves for pool in self._shared_pools.values()])

    def labels(self) -> list[Labels]:
        """Return the labels of all series, reading no sample; one that several targets hold comes once for each."""
        return [labels for pool in self._pools for labels in pool.labels.all()]

    def bounds(self) -> tuple[int, int] | None:
        """Return the times (ms) of the oldest and the newest sample; None where there is none."""
        found = [one for pool in self._pools if (one := pool.bounds()) is not None]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def prune(self, now_ms: int) -> None:
        """Drop series and targets without a sample within the retention, and answers that nobody asks for any more."""
        self.index.age()
        for key, target in list(self._targets.items()):
            if not target.prune(now_ms - self._retention_ms):
                del self._targets[key]
        used = {id(target.pool) for target in self._targets.values()}
        shared = {id(pool) for pool in self._shared_pools.values()}
        self._pools = [pool for pool in self._pools if id(pool) in used or id(pool) in shared]

    def stats(self) -> HeadStats:
        """Return the head's figures."""
        samples = sum(pool.samples for pool in self._pools)
        return HeadStats(
            series=self.index.series,
            samples=samples,
            targets=len(self._targets),
            bytes=sum(pool.nbytes for pool in self._pools),
            rejected=dict(self._rejected),
            limited=dict(self._limited),
        )
