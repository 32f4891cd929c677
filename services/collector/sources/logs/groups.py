"""Errors of one service by fingerprint; pure: records and times go in, counts and examples come out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.collector.sources.logs.fingerprint import identify
from services.collector.sources.logs.record import Record
from services.collector.sources.logs.scrub import is_secret_key, scrub_secrets
from services.collector.sources.logs.timestamps import hour_of
from services.common.log import HIDDEN

OTHER = "other"
HOUR = 3600
TREND_HOURS = 24
_LONGEST = 8000
_MESSAGE = 2000
# A full table gives a new error the place of one that has not come for this long; younger ones keep theirs, so that two
# noisy sets of errors do not push each other out all the time.
_IDLE = 3600.0
_FUTURE = 60.0


@dataclass
class Example:
    """The last occurrence of an error, without secrets."""

    at: float
    message: str
    traceback: str
    logger: str
    file: str
    fields: dict[str, str]


@dataclass
class Group:
    """One kind of error."""

    fingerprint: str
    level: str
    type: str
    pattern: str
    """The message with what varies replaced."""
    first_seen: float
    last_seen: float
    count: int
    hours: dict[int, int]
    """Occurrences by start of the hour (UTC), of the last 24 hours."""
    example: Example
    shown: bool = False
    """False until a scrape has seen the series at 0: `increase()` can't count what a series begins with."""


@dataclass
class Groups:
    """All errors that one service has had of late, and how many there was no room for, by level."""

    limit: int
    forget_after: float
    table: dict[tuple[str, str], Group] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=dict)
    _latest: dict[tuple[str, str], tuple[Record, str, float]] = field(default_factory=dict)

    def add(self, record: Record, file: str, now: float) -> bool:
        """Count an error record; return False where it had to go to `other`."""
        fingerprint, kind, pattern = identify(record)
        at = min(record.time, now) if record.time is not None and record.time < now + _FUTURE else now
        group = self.table.get((fingerprint, record.level))
        if group is None:
            if not self._make_room(now):
                self.other[record.level] = self.other.get(record.level, 0) + 1
                return False
            example = _example(record, file, at)
            kind, pattern = scrub_secrets(kind)[:200], scrub_secrets(pattern)
            group = Group(fingerprint, record.level, kind, pattern, at, at, 0, {}, example)
            self.table[fingerprint, record.level] = group
        group.count += 1
        group.first_seen = min(group.first_seen, at)
        hour = hour_of(at)
        if at > now - TREND_HOURS * HOUR:
            group.hours[hour] = group.hours.get(hour, 0) + 1
        if at >= group.last_seen:
            group.last_seen = at
            self._latest[fingerprint, record.level] = (record, file, at)
        return True

    def settle(self) -> None:
        """Make the examples of what came last; to be called before they are shown or stored.

        Scrubbing costs more than all the rest, and of a burst of errors only the last is kept.
        """
        for key, (record, file, at) in self._latest.items():
            group = self.table.get(key)
            if group is not None:
                group.example = _example(record, file, at)
        self._latest.clear()

    def forget(self, now: float) -> bool:
        """Drop what has not come for `forget_after`, and hours past the trend; return whether anything went."""
        old = [key for key, group in self.table.items() if group.last_seen < now - self.forget_after]
        for key in old:
            del self.table[key]
        least = hour_of(now) - TREND_HOURS * HOUR
        for group in self.table.values():
            for hour in [hour for hour in group.hours if hour < least]:
                del group.hours[hour]
        return bool(old)

    def _make_room(self, now: float) -> bool:
        if len(self.table) < self.limit:
            return True
        key, oldest = min(self.table.items(), key=lambda item: item[1].last_seen)
        if oldest.last_seen > now - _IDLE:
            return False
        del self.table[key]
        return True

    def restore(self, groups: Iterable[Group], other: dict[str, int]) -> None:
        """Take over what an earlier run has counted; with a smaller limit now the newest stay."""
        newest = sorted(groups, key=lambda group: group.last_seen, reverse=True)[: self.limit]
        self.table = {(group.fingerprint, group.level): group for group in newest}
        self.other = dict(other)


def trend(group: Group, now: float) -> list[list[int]]:
    """Return [start of the hour, occurrences] of the last 24 hours, oldest first, zeros included."""
    last = hour_of(now)
    return [[hour, group.hours.get(hour, 0)] for hour in range(last - (TREND_HOURS - 1) * HOUR, last + 1, HOUR)]


def _example(record: Record, file: str, at: float) -> Example:
    failure = record.failure
    parts = [failure.text if failure is not None else "", record.detail]
    return Example(
        at=at,
        message=scrub_secrets(record.message[:_MESSAGE]),
        traceback=scrub_secrets(_middle_out("\n".join(part for part in parts if part))),
        logger=scrub_secrets(record.logger[:200]),
        file=file,
        fields={
            key: HIDDEN if is_secret_key(key) else scrub_secrets(value[:500]) for key, value in record.fields.items()
        },
    )


def _middle_out(text: str) -> str:
    # The call that began it all and the line that failed stand at the two ends.
    if len(text) <= _LONGEST:
        return text
    third = _LONGEST // 3
    return f"{text[:third]}\n… {len(text) - _LONGEST} characters left out …\n{text[-2 * third :]}"
