"""Lines put together to records."""

import pytest

from services.collector.sources.logs.assemble import Assembler
from services.collector.sources.logs.formats import BY_KEY

TRACE = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    x()", "ValueError: bad"]


def assemble(key: str, lines: list[str]) -> list[list[str]]:
    one = Assembler(BY_KEY[key])
    records = [record for number, line in enumerate(lines) for record in one.add(line.encode(), number, 0.0)]
    return records + one.flush()


@pytest.mark.parametrize(
    ("key", "records"),
    [
        ("json", [['{"a":1}'], ['{"a":2}']]),
        ("json", [['{"a":1}'], TRACE, ['{"a":2}']]),
        ("json", [["printed"], ["printed too"], TRACE, ["printed after"]]),
        ("json", [[*TRACE, "", "During handling of the above exception, another exception occurred:", "", *TRACE]]),
        ("python", [["INFO:root:one"], ["ERROR:root:two", *TRACE], ["INFO:root:three", "second line of it"]]),
        ("python", [[*TRACE], ["INFO:root:one"]]),
        ("uvicorn", [["ERROR:    Exception in ASGI application", *TRACE], ["INFO:     Shutting down"]]),
        ("postgres", [
            ["2026-01-01 10:00:00.1 UTC [7] ERROR:  x", "2026-01-01 10:00:00.1 UTC [7] DETAIL:  y", "\tgoes on"],
            ["2026-01-01 10:00:00.1 UTC [8] ERROR:  z"],
            ["2026-01-01 10:00:00.1 UTC [7] STATEMENT:  of somebody else"],
        ]),
        ("postgres_csv", [['2026-01-01 10:00:00.1 UTC,"u",1,"multi', "INFO: line", '"'],
                          ["2026-01-01 10:00:00.1 UTC,,2,"]]),
        ("auto", [['{"a":1}'], ["INFO:     uvicorn"], ["2026-01-01 10:00:00,1 - a - ERROR - b", *TRACE], ['{"a":2}'],
                  ["noise"], TRACE, ["level=error msg=x"]]),
    ],
)  # fmt: skip
def test_records(key: str, records: list[list[str]]) -> None:
    assert assemble(key, [line for record in records for line in record]) == records


def test_blank_lines_begin_nothing() -> None:
    assert assemble("json", ["", "  ", '{"a":1}', ""]) == [['{"a":1}']]


def test_terminal_colours_windows_ends_and_zeros_go() -> None:
    assert assemble("auto", ["\x1b[32mINFO\x1b[0m:     up\r", "\0\0\0{}"]) == [["INFO:     up"], ["{}"]]


def test_of_a_very_long_record_the_two_ends_stay() -> None:
    found = assemble(
        "python", ["ERROR:root:first", *(f"  line {number}" for number in range(5000)), "ValueError: last"]
    )
    assert len(found) == 1
    assert (found[0][0], found[0][-1]) == ("ERROR:root:first", "ValueError: last")
    assert len(found[0]) <= 400


def test_of_wide_lines_too() -> None:
    found = assemble("python", ["ERROR:root:first", *("x" * 50_000 for _ in range(50)), "ValueError: last"])
    assert sum(map(len, found[0])) < 300_000
    assert (found[0][0], found[0][-1]) == ("ERROR:root:first", "ValueError: last")


def test_a_record_ends_when_nothing_has_come_for_a_while() -> None:
    one = Assembler(BY_KEY["python"])
    assert one.add(b"ERROR:root:x", 10, 5.0) == []
    assert one.add(b"  more", 20, 6.0) == []
    assert one.flush_idle(6.9, 1.0) == []
    assert one.pending is not None
    assert one.pending.start == 10
    assert one.flush_idle(7.0, 1.0) == [["ERROR:root:x", "  more"]]
    assert one.flush_idle(99.0, 1.0) == []
