"""One target's counts as samples."""

from services.collector.sheet import Sheet
from services.collector.sources.logs.groups import OTHER
from services.collector.sources.logs.record import ERROR_LEVELS
from services.collector.sources.logs.tail import Tail

ROTATIONS = ("renamed", "copied", "truncated", "lost")


def write_counts(sheet: Sheet, tail: Tail, service: str) -> None:
    """Write all samples of one target; a new error's series begins at 0 for one scrape."""
    counts, groups = tail.tally.counts, tail.tally.groups
    for level, count in counts.levels.items():
        sheet.counter(
            "log_lines_total", "Log records read; a record and its traceback are one.", count,
            service=service, level=level,
        )  # fmt: skip
    for group in groups.table.values():
        _error(sheet, service, group.level, group.fingerprint, group.count if group.shown else 0)
        group.shown = True
    for level in ERROR_LEVELS:
        _error(sheet, service, level, OTHER, groups.other.get(level, 0))
    _write_reading(sheet, tail, service)


def _error(sheet: Sheet, service: str, level: str, fingerprint: str, count: int) -> None:
    sheet.counter(
        "log_errors_total", "Error records by kind of error; other: kinds that there was no room for.", count,
        service=service, level=level, fingerprint=fingerprint,
    )  # fmt: skip


def _write_reading(sheet: Sheet, tail: Tail, service: str) -> None:
    counts = tail.tally.counts
    for name, text, value in (
        ("log_unparsed_lines_total", "Lines that are not of the configured format.", counts.unparsed),
        ("log_cut_lines_total", "Lines that were longer than max_line.", counts.cut),
        ("log_read_bytes_total", "Bytes read.", counts.bytes_read),
        (
            "log_skipped_bytes_total",
            "Bytes passed over because more than max_backlog was unread.",
            counts.bytes_skipped,
        ),
    ):
        sheet.counter(name, text, value, service=service)
    for kind in ROTATIONS:
        sheet.counter(
            "log_rotations_total",
            "Files that went on under another name (renamed), were copied or just truncated, or were not found (lost).",
            counts.rotations.get(kind, 0), service=service, kind=kind,
        )  # fmt: skip
    behind = sum(followed.behind for followed in tail.files.values())
    for name, text, gauge in (
        ("log_files", "Files and pipes that are followed.", len(tail.files) + len(tail.pipes)),
        ("log_files_ignored", "Files beyond max_files.", tail.ignored),
        ("log_behind_bytes", "Bytes that are not read yet.", behind),
        ("log_error_groups", "Kinds of errors that are remembered.", len(tail.tally.groups.table)),
        ("log_last_record_timestamp_seconds", "When a record was last read.", counts.last_record),
    ):
        sheet.gauge(name, text, gauge, service=service)
