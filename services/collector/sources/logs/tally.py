"""Records as counts: levels, what could not be read, and errors by group."""

import structlog

from services.collector.sources.logs.formats import Format
from services.collector.sources.logs.groups import Group, Groups
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.record import ERROR_LEVELS, LEVELS, UNKNOWN
from services.collector.sources.logs.state import Counts

log = structlog.get_logger(__name__)


class Tally:
    """All that is counted of one target."""

    def __init__(self, target: LogTarget, form: Format) -> None:
        self._target, self._form = target, form
        self.counts = Counts(levels=dict.fromkeys(LEVELS, 0))
        self.groups = Groups(target.max_fingerprints, target.forget_after)
        self._full = False

    def restore(self, counts: Counts, groups: list[Group], other: dict[str, int]) -> None:
        """Go on from what an earlier run has counted."""
        self.counts = counts
        for level in LEVELS:
            counts.levels.setdefault(level, 0)
        self.groups.restore(groups, other)

    def take(self, lines: list[str], file: str, now: float) -> None:
        """Count one record, given as its lines."""
        try:
            record = self._form.parse(lines)
        except Exception as error:  # noqa: BLE001 - one for each log: a line that breaks its parser must not stop the file
            record = None
            log.warning("log_record_broke_parser", target=self._target.name, file=file, error=error)
        self.counts.last_record = now
        if record is None:
            # Each line counts: without a known beginning there is nothing that they are parts of.
            self.counts.unparsed += len(lines)
            self.counts.levels[UNKNOWN] += len(lines)
            return
        self.counts.levels[record.level] += 1
        if record.level in ERROR_LEVELS:
            self._note_room(has_room=self.groups.add(record, file, now))

    def _note_room(self, *, has_room: bool) -> None:
        if has_room:
            self._full = self._full and len(self.groups.table) >= self.groups.limit
        elif not self._full:
            self._full = True
            log.warning(
                "log_fingerprints_full", target=self._target.name, limit=self._target.max_fingerprints,
                mend="raise max_fingerprints, or look for a message whose varying part is not recognised",
            )  # fmt: skip

    def rotated(self, kind: str, path: str) -> None:
        """Count that a file was renamed, copied, truncated or lost; what may have cost lines is logged."""
        self.counts.rotations[kind] = self.counts.rotations.get(kind, 0) + 1
        if kind == "lost":
            log.warning("log_position_lost", target=self._target.name, path=path)
