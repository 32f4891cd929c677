"""The outbox in memory: entries by id, in lanes, and which of them are due. No I/O."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator

from services.notifier.outbox import Entry, Lane

Target = tuple[str, str]
"""Receiver and integration: what may hang by itself."""


class Queue:
    """Entries by id; a lane's oldest entry is its head, and only heads are ever due."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._lanes: dict[Lane, list[str]] = {}
        self._heaps: dict[Target, list[tuple[float, int, str]]] = defaultdict(list)
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self.entries)

    def lane(self, lane: Lane) -> Iterator[Entry]:
        """Yield the lane's entries, oldest first."""
        return (self.entries[key] for key in self._lanes.get(lane, ()))

    def put(self, entry: Entry) -> None:
        """Add an entry at its lane's end, or replace the one with its id."""
        known = entry.delivery_id in self.entries
        self.entries[entry.delivery_id] = entry
        if not known:
            self._lanes.setdefault(entry.lane, []).append(entry.delivery_id)
        if self._lanes[entry.lane][0] == entry.delivery_id:
            self._push(entry)

    def hold(self, entry: Entry) -> None:
        """Replace a taken entry by its claimed form; it is due again when it is `put`."""
        self.entries[entry.delivery_id] = entry

    def remove(self, delivery_id: str) -> Entry | None:
        """Take an entry out; the next of its lane becomes the head."""
        entry = self.entries.pop(delivery_id, None)
        if entry is None:
            return None
        lane = self._lanes[entry.lane]
        lane.remove(delivery_id)
        if lane:
            self._push(self.entries[lane[0]])
        else:
            del self._lanes[entry.lane]
        return entry

    def _push(self, entry: Entry) -> None:
        item = (entry.next_at, next(self._order), entry.delivery_id)
        heapq.heappush(self._heaps[entry.receiver, entry.integration], item)

    def targets(self) -> list[Target]:
        """Return receivers' integrations that may have something due."""
        return [target for target, heap in self._heaps.items() if heap]

    def take(self, target: Target, limit: int, *, now: float) -> list[Entry]:
        """Take up to `limit` due heads that wait off the schedule; `put` them to have them come back."""
        heap = self._heaps[target]
        found: dict[str, Entry] = {}
        while heap and len(found) < limit and heap[0][0] <= now:
            entry = self._valid(heapq.heappop(heap)[2])
            if entry is not None and entry.next_at <= now and not entry.sending:
                found[entry.delivery_id] = entry
        return list(found.values())

    def _valid(self, delivery_id: str) -> Entry | None:
        entry = self.entries.get(delivery_id)
        return entry if entry is not None and self._lanes[entry.lane][0] == delivery_id else None

    def next_at(self, *, busy: frozenset[Target] = frozenset()) -> float | None:
        """Return when the next head is due among targets that are not busy; None when there is none."""
        times = [heap[0][0] for target, heap in self._heaps.items() if heap and target not in busy]
        return min(times, default=None)

    def oldest(self) -> float | None:
        """Return when the oldest entry was made; None when there is none."""
        return min((entry.created_at for entry in self.entries.values()), default=None)
