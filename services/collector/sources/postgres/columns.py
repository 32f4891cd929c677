"""From a row's columns to samples: one table per view."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from services.collector.sheet import MetricType, Sheet, format_value, label_text

Row: TypeAlias = Mapping[str, Any]

_MOST_TEXTS = 10_000


class View:
    """A statistics view: columns by type, as `prefix + column` metrics.

    A column that the server's version lacks gives no sample; so one table serves all versions. `column=name` renames.
    """

    def __init__(
        self, prefix: str, *, gauges: str = "", counters: str = "", labels: str = "", suffix: str = ""
    ) -> None:
        self._labels = tuple(labels.split())
        self._texts: dict[tuple[Any, ...], str] = {}
        kinds: tuple[tuple[str, MetricType], ...] = ((gauges, "gauge"), (counters, "counter"))
        self._columns: list[tuple[str, str, MetricType]] = []
        for text, kind in kinds:
            for item in text.split():
                column, _, name = item.partition("=")
                self._columns.append((column, f"{prefix}{name or column}{suffix}", kind))

    def write(self, sheet: Sheet, rows: Sequence[Row], text: str) -> None:
        """Add the rows' samples; times must come as seconds since the epoch."""
        if not rows:
            return
        present = set(rows[0].keys())
        columns = [
            (column, name, sheet.family(name, kind, f"{column} of {text}").rows)
            for column, name, kind in self._columns
            if column in present
        ]
        for row in rows:
            labels = self._text(tuple([row[label] for label in self._labels]))
            for column, name, samples in columns:
                value = row[column]
                if value is not None:
                    samples.append((name, labels, format_value(value)))

    def _text(self, values: tuple[Any, ...]) -> str:
        # The same rows come at each scrape; to write their labels anew would be a third of what a scrape costs us.
        text = self._texts.get(values)
        if text is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            text = self._texts[values] = label_text(dict(zip(self._labels, values, strict=True)))
        return text
