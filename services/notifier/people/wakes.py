"""Times at which something is to be looked at, by key; the nearest is known at once. No I/O."""

import heapq


class Wakes:
    """One time a key; setting it anew replaces the old one."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, key: str, at: float | None) -> None:
        """Look at that key then; None: never."""
        if at is None:
            self._times.pop(key, None)
        elif self._times.get(key) != at:
            self._times[key] = at
            heapq.heappush(self._heap, (at, key))

    def next(self) -> float | None:
        """Return the nearest time; None when there is none."""
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float, limit: int) -> list[str]:
        """Return up to `limit` keys whose time has come, taking their times off."""
        found: list[str] = []
        while len(found) < limit and (at := self.next()) is not None and at <= now:
            key = heapq.heappop(self._heap)[1]
            del self._times[key]
            found.append(key)
        return found
