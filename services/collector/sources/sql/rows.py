"""From a query's rows to samples."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet, format_value, label_text
from services.collector.sources.postgres.columns import Row
from services.collector.sources.sql.files import SqlMetric


def write_metric(sheet: Sheet, metric: SqlMetric, rows: Sequence[Row]) -> None:
    """Add one metric's samples; a NULL value gives none, a NULL label an empty one.

    Raises ScrapeError for a missing column, a value that is no number, and two rows with the same labels; the sheet
    then has nothing of the metric.
    """
    found: dict[str, str] = {}
    for row in rows:
        keys = {name: _column(row, name, metric) for name in metric.key_labels}
        for column in metric.values:
            value = _column(row, column, metric)
            if value is None:
                continue
            told = {metric.value_label: column} if metric.value_label else {}
            labels = label_text({**keys, **metric.static_labels, **told})
            if labels in found:
                raise ScrapeError(
                    Reason.BODY, f"two rows of {metric.metric_name} have the labels {{{labels}}}; group by key_labels"
                )
            found[labels] = format_value(_number(value, column, metric))
    family = sheet.family(metric.metric_name, metric.type, metric.help)
    family.rows.extend((metric.metric_name, labels, text) for labels, text in found.items())


def _column(row: Row, name: str, metric: SqlMetric) -> Any:
    try:
        return row[name]
    except KeyError:
        have = ", ".join(row.keys())
        raise ScrapeError(
            Reason.BODY, f"the query of {metric.metric_name} has no column {name!r}; it has: {have}"
        ) from None


def _number(value: Any, column: str, metric: SqlMetric) -> float | Decimal:
    if isinstance(value, bool | int | float | Decimal):
        return value
    raise ScrapeError(
        Reason.BODY,
        f"column {column!r} of {metric.metric_name} is a {type(value).__name__} and no number; cast it to float8",
    )
