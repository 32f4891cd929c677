"""Trends as comma-separated values (RFC 4180), a line for each step of each series."""

import csv
import io
from datetime import UTC, datetime

from services.api.trends.model import Trends

HEADER = ("time", "metric", "labels", "avg", "min", "max", "week_before")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(trends: Trends) -> str:
    """Return the text; times are UTC in ISO 8601. The last column is there when a week before was asked for."""
    compared = trends.compared_seconds > 0
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER if compared else HEADER[:-1])
    for metric in trends.metrics:
        for series in metric.series:
            labels = _harmless(",".join(f"{name}={value}" for name, value in sorted(series.labels.items())))
            before = {at: avg for at, avg, _, _ in series.compared}
            for at, *values in series.points:
                row = [datetime.fromtimestamp(at, UTC).isoformat(), metric.metric, labels, *values]
                writer.writerow([*row, before.get(at, "")] if compared else row)
    return text.getvalue()


def _harmless(text: str) -> str:
    # A spreadsheet would take such a text for a formula, and label values come from what is watched.
    return f"'{text}" if text.startswith(_DANGEROUS) else text
