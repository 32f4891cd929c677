"""Rows to samples by column name."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.columns import _MOST_TEXTS, View

VIEW = View("pg_x_", labels="datname kind", gauges="size last=last_seen", counters="calls", suffix="_total")


def test_columns_that_a_version_lacks_and_null_give_no_sample() -> None:
    sheet = Sheet()
    VIEW.write(sheet, [{"datname": "d", "kind": None, "calls": 3, "size": None}], "pg_x")
    assert sheet.value("pg_x_calls_total", datname="d", kind="") == 3
    assert sheet.names() == {"pg_x_calls_total"}
    assert sheet.families["pg_x_calls_total"].type == "counter"


def test_a_renamed_column_and_no_rows() -> None:
    sheet = Sheet()
    VIEW.write(sheet, [], "pg_x")
    assert not sheet.families
    VIEW.write(sheet, [{"datname": 'a"b', "kind": "k", "last": 5.5}], "pg_x")
    assert sheet.value("pg_x_last_seen_total", datname='a"b', kind="k") == 5.5


def test_label_texts_are_kept_but_not_without_end() -> None:
    view, sheet = View("pg_y_", labels="name", gauges="n"), Sheet()
    rows = [{"name": f"n{number}", "n": number} for number in range(_MOST_TEXTS + 5)]
    view.write(sheet, rows, "y")
    view.write(sheet, rows[:1], "y")
    assert len(view._texts) <= _MOST_TEXTS
    assert sheet.families["pg_y_n"].rows[-1] == ("pg_y_n", 'name="n0"', "0")
