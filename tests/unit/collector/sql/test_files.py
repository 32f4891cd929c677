"""Files of own SQL metrics: read as sql_exporter's, mistakes named by file and line."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.sql.files import SqlMetric, read_files
from services.collector.sources.sql.rows import write_metric
from services.common.config import ConfigError, ConfigFile
from services.supervisor.named_files import check_sql

METRIC = """
  - metric_name: {name}
    type: gauge
    help: Something.
    values: [n]
"""


def write(folder: Path, text: str, name: str = "one.yml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_file_of_sql_exporter_is_read_as_it_is(tmp_path: Path) -> None:
    # From sql_exporter's own documentation.
    write(tmp_path, """
collector_name: pricing_data_freshness
min_interval: 1m
metrics:
  - metric_name: pricing_update_time
    type: gauge
    help: 'Time when prices for a market were last updated.'
    key_labels:
      - Market
    static_labels:
      portfolio: income
    values: [LastUpdateTime]
    query: |
      SELECT Market, max(UpdateTime) AS LastUpdateTime FROM MarketPrices GROUP BY Market;
  - metric_name: io_stall
    type: counter
    help: 'IO stall.'
    value_label: operation
    values: [read, write]
    query_ref: io
  - metric_name: io_bytes
    type: counter
    help: 'IO bytes.'
    values: [bytes]
    query_ref: io
queries:
  - query_name: io
    query: SELECT 1 AS read, 2 AS write, 3 AS bytes
""")  # fmt: skip
    first, shared = read_files(["*.yml"], tmp_path)
    assert first.sql.endswith("GROUP BY Market")
    assert (first.interval, first.max_rows, first.database) == (60.0, 1000, None)
    assert [metric.metric_name for metric in shared.metrics] == ["io_stall", "io_bytes"]


def test_a_metrics_own_interval_database_and_rows_make_a_query_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "min_interval: 5m\nmetrics:" + METRIC.format(name="a") + "    query_ref: q\n"
          + METRIC.format(name="b") + "    query_ref: q\n    min_interval: 0\n    database: other\n    max_rows: 3\n"
          + "queries: [{query_name: q, query: SELECT 1 AS n}]\n")  # fmt: skip
    queries = read_files([str(tmp_path / "one.yml")], Path("/"))
    assert [(one.interval, one.database, one.max_rows) for one in queries] == [(300.0, None, 1000), (0.0, "other", 3)]


@pytest.mark.parametrize(
    ("extra", "line", "message"),
    [
        ("    query: SELECT 1\n    query_timeout: 5s\n", 7, "unknown key; known here: database, help, key_labels"),
        ("    query_ref: gone\n", 6, "there is no query named 'gone'; there are: none"),
        ("", 2, "give either query or query_ref"),
        ("    query: SELECT 1\n    key_labels: [instance]\n", 2, "label 'instance' is set by whoever scrapes"),
        ("    query: SELECT 1\n    key_labels: [a, a]\n", 2, "label 'a' stands twice"),
        ("    query: SELECT 1\n    key_labels: [a-b]\n", 7, "String should match pattern"),
        ("    query: SELECT 1\n    min_interval: soon\n", 7, "'soon' is not a duration"),
    ],
)
def test_mistakes_are_named_by_file_and_line(tmp_path: Path, extra: str, line: int, message: str) -> None:
    write(tmp_path, "metrics:" + METRIC.format(name="a") + extra)
    with pytest.raises(ConfigError) as caught:
        read_files(["one.yml"], tmp_path)
    assert f"{tmp_path}/one.yml:{line}:" in str(caught.value)
    assert message in str(caught.value)


def test_several_values_need_a_label(tmp_path: Path) -> None:
    text = METRIC.format(name="a").replace("[n]", "[n, m]")
    write(tmp_path, "metrics:" + text + "    query: SELECT 1\n")
    with pytest.raises(ConfigError, match="several values need a value_label"):
        read_files(["one.yml"], tmp_path)


@pytest.mark.parametrize("name", ["sql_up", "sql_metric_success", "tocsin_x"])
def test_names_of_our_own_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, "metrics:" + METRIC.format(name=name) + "    query: SELECT 1\n")
    with pytest.raises(ConfigError, match="one of the collector's own"):
        read_files(["one.yml"], tmp_path)


def test_one_name_in_two_files_is_refused_with_both_places(tmp_path: Path) -> None:
    text = "metrics:" + METRIC.format(name="a") + "    query: SELECT 1 AS n\n"
    write(write(tmp_path, text), text, "two.yml")
    with pytest.raises(ConfigError, match=r"two\.yml:2:.*metric 'a' stands also in .*one\.yml:2"):
        read_files(["*.yml"], tmp_path)


def test_a_file_that_is_not_there_and_one_that_is_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_files(["gone.yml"], tmp_path)
    write(tmp_path, "metrics: [")
    with pytest.raises(ConfigError, match=r"one\.yml:2:1"):
        read_files(["one.yml"], tmp_path)
    write(tmp_path, "")
    with pytest.raises(ConfigError, match="metrics"):
        read_files(["one.yml"], tmp_path)


def metric(**fields: object) -> SqlMetric:
    return SqlMetric.model_validate(
        {"metric_name": "m", "type": "gauge", "help": "M.", "values": ["n"], "query": "SELECT 1", **fields}
    )


def test_rows_become_samples_and_null_gives_none() -> None:
    sheet = Sheet()
    one = metric(key_labels=["kind"], static_labels={"area": "shop"}, value_label="what", values=["n", "m"])
    write_metric(sheet, one, [{"kind": "a", "n": Decimal("1.5"), "m": None}, {"kind": None, "n": True, "m": 7}])
    assert sheet.value("m", kind="a", area="shop", what="n") == 1.5
    assert sheet.value("m", kind="", area="shop", what="n") == 1
    assert sheet.value("m", kind="", area="shop", what="m") == 7
    assert len(sheet.families["m"].rows) == 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"n": 1}, {"n": 2}], "two rows of m have the labels"),
        ([{"x": 1}], "has no column 'n'; it has: x"),
        ([{"n": "many"}], "is a str and no number"),
    ],
)
def test_rows_that_make_no_metric_leave_nothing(rows: list[dict], message: str) -> None:
    sheet = Sheet()
    with pytest.raises(ScrapeError, match=message) as caught:
        write_metric(sheet, metric(), rows)
    assert caught.value.reason is Reason.BODY
    assert sheet.names() == set()


def test_a_check_of_the_configuration_reads_the_files_as_well(tmp_path: Path) -> None:
    write(tmp_path, "metrics:" + METRIC.format(name="a") + "    query: SELECT 1\n")
    target = "{name: own, host: h, metrics_files: [FILE]}"
    config = tmp_path / "tocsin.yml"
    for file, wrong in (("one.yml", False), ("gone.yml", True)):
        config.write_text(f"collector: {{targets: {{sql: [{target.replace('FILE', file)}]}}}}\n")
        problems = check_sql(ConfigFile(config), base=tmp_path)
        assert [("gone.yml" in problem) for problem in problems] == [True] * wrong
