"""Files of own SQL metrics, in the form of sql_exporter's collector files.

What sql_exporter knows and we don't (`timestamp_value`, `query_timeout`, …) is refused by name, never passed over.
Beside its keys: `database` and `max_rows` of a metric, and `min_interval` of a metric as well as of the file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from services.common.config import ConfigError, StrictModel, validate
from services.common.durations import Duration
from services.common.yaml_source import YamlError, YamlSource, read_yaml

_RESERVED = frozenset({"target", "job", "instance", "le", "quantile"})
_OURS = re.compile(r"(sql_metric_|sql_up$|sql_last_scrape_|tocsin_)")

MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", max_length=200)]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=100)]


class SqlMetric(StrictModel):
    """One metric: a query, which of its columns are labels, which hold values."""

    metric_name: MetricName
    type: Literal["counter", "gauge"]
    help: str = Field(min_length=1)
    key_labels: tuple[LabelName, ...] = ()
    """Columns whose values become labels of that name."""
    static_labels: dict[LabelName, str] = Field(default_factory=dict)
    value_label: LabelName | None = None
    """Label that tells the values apart where there are several: its value is the column's name."""
    values: tuple[str, ...] = Field(min_length=1)
    query: str | None = None
    query_ref: str | None = None
    database: str | None = None
    """In place of the target's own."""
    min_interval: Duration | None = Field(default=None, ge=0)
    max_rows: int = Field(default=1000, ge=1, le=100_000)

    @model_validator(mode="after")
    def _consistent(self) -> "SqlMetric":
        if (self.query is None) == (self.query_ref is None):
            raise ValueError("give either query or query_ref")
        if len(self.values) > 1 and self.value_label is None:
            raise ValueError("several values need a value_label to tell them apart")
        labels = [*self.key_labels, *self.static_labels, *([self.value_label] if self.value_label else [])]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"label {label!r} stands twice")
            if label in _RESERVED or label.startswith("__"):
                raise ValueError(f"label {label!r} is set by whoever scrapes; rename the column with AS")
        if _OURS.match(self.metric_name):
            raise ValueError(f"the name {self.metric_name!r} is one of the collector's own; choose another")
        return self


class SqlQuery(StrictModel):
    """A query that several metrics share."""

    query_name: str
    query: str


class SqlFile(StrictModel):
    """One file."""

    collector_name: str = ""
    min_interval: Duration = Field(default=0.0, ge=0)
    metrics: tuple[SqlMetric, ...] = Field(min_length=1)
    queries: tuple[SqlQuery, ...] = ()


@dataclass(frozen=True)
class Query:
    """One statement to run, with all metrics that are made of its rows."""

    sql: str
    database: str | None
    interval: float
    max_rows: int
    metrics: tuple[SqlMetric, ...]


def read_files(patterns: Sequence[str], base: Path) -> list[Query]:
    """Return the queries of all files; raises ConfigError with file and line of each mistake."""
    sources = [_read(path) for path in _paths(patterns, base)]
    files = [(source, validate(SqlFile, source.data or {}, source, ())) for source in sources]
    _check_names(files)
    return [query for source, file in files for query in _queries(source, file)]


def _paths(patterns: Sequence[str], base: Path) -> Iterator[Path]:
    for pattern in patterns:
        path = Path(pattern)
        root, below = (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (base, pattern)
        found = sorted(root.glob(below))
        if not found:
            raise ConfigError(f"{root / below}: there is no such file; write its path from the configuration's folder")
        yield from found


def _read(path: Path) -> YamlSource:
    try:
        return read_yaml(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error


def _check_names(files: Sequence[tuple[YamlSource, SqlFile]]) -> None:
    seen: dict[str, str] = {}
    for source, file in files:
        for index, metric in enumerate(file.metrics):
            here = ("metrics", index, "metric_name")
            if metric.metric_name in seen:
                other = seen[metric.metric_name]
                raise ConfigError(str(source.error(here, f"metric {metric.metric_name!r} stands also in {other}")))
            line, _ = source.position(here)
            seen[metric.metric_name] = f"{source.file}:{line}"


def _queries(source: YamlSource, file: SqlFile) -> list[Query]:
    shared = {query.query_name: query.query for query in file.queries}
    grouped: dict[tuple[str, str | None, float, int], list[SqlMetric]] = {}
    for index, metric in enumerate(file.metrics):
        sql = metric.query if metric.query is not None else shared.get(metric.query_ref or "")
        if sql is None:
            known = ", ".join(sorted(shared)) or "none"
            text = f"there is no query named {metric.query_ref!r}; there are: {known}"
            raise ConfigError(str(source.error(("metrics", index, "query_ref"), text)))
        interval = file.min_interval if metric.min_interval is None else metric.min_interval
        key = (sql.strip().rstrip(";").rstrip(), metric.database, interval, metric.max_rows)
        grouped.setdefault(key, []).append(metric)
    return [
        Query(sql, database, interval, rows, tuple(group)) for (sql, database, interval, rows), group in grouped.items()
    ]
