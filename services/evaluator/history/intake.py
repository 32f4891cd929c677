"""Takes samples from the evaluation: chooses, names the series, never waits."""

import math
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import orjson

from services.common.events import AlertEvent, AlertStatus
from services.common.labels import METRIC_NAME
from services.evaluator.history.chunk import Row

ALERT_VALUE = "tocsin:alert_value"
_FORGET_AFTER_MS = 3_600_000
Dropped = Callable[[str, int], None]
"""Hears of samples that are given up: reason and count."""


class Intake:
    """Holds the newest samples in memory, `capacity` of them at most; the oldest go first."""

    def __init__(self, patterns: Sequence[str], *, max_series: int, capacity: int, dropped: Dropped) -> None:
        self._wanted = re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
        self.capacity = capacity
        self._max_series, self._dropped = max_series, dropped
        self._names: dict[str, bool] = {}
        self._keys: dict[frozenset[tuple[str, str]], str] = {}
        self._seen: dict[frozenset[tuple[str, str]], int] = {}
        self._rows: deque[Row] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def offer(self, t_ms: int, labels: Sequence[Mapping[str, str]], values: Sequence[float]) -> None:
        """Take what a rule wrote; NaN (so also the marker of staleness) and infinities are no values to keep."""
        for one, value in zip(labels, values, strict=True):
            if math.isfinite(value) and self._chosen(one.get(METRIC_NAME, "")):
                self._add(one, t_ms, value)
        self._bound()

    def offer_alerts(self, events: Sequence[AlertEvent]) -> None:
        """Take the values of alerts that fire."""
        for event in events:
            if event.status is AlertStatus.FIRING and event.value is not None and math.isfinite(event.value):
                self._add({**event.labels, METRIC_NAME: ALERT_VALUE}, round(event.sent_at * 1000), event.value)
        self._bound()

    def take(self) -> list[Row]:
        """Hand over all samples."""
        rows, self._rows = list(self._rows), deque()
        return rows

    def _chosen(self, name: str) -> bool:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._wanted.fullmatch(name) is not None
        return known

    def _add(self, labels: Mapping[str, str], t_ms: int, value: float) -> None:
        identity = frozenset(labels.items())
        key = self._keys.get(identity)
        if key is None:
            if len(self._keys) >= self._max_series:
                self._forget(t_ms)
            if len(self._keys) >= self._max_series:
                self._dropped("too_many_series", 1)
                return
            key = self._keys[identity] = series_key(labels)
        self._seen[identity] = t_ms
        self._rows.append((key, t_ms, value))

    def _forget(self, t_ms: int) -> None:
        for identity in [one for one, seen in self._seen.items() if seen < t_ms - _FORGET_AFTER_MS]:
            del self._keys[identity], self._seen[identity]

    def _bound(self) -> None:
        over = len(self._rows) - self.capacity
        if over > 0:
            for _ in range(over):
                self._rows.popleft()
            self._dropped("memory_full", over)


def series_key(labels: Mapping[str, str]) -> str:
    """Return a label set as JSON, sorted; equal sets give equal texts. Postgres' JSON can't hold U+0000."""
    clean = {name.replace("\0", "\ufffd"): value.replace("\0", "\ufffd") for name, value in labels.items()}
    return orjson.dumps(clean, option=orjson.OPT_SORT_KEYS).decode()
