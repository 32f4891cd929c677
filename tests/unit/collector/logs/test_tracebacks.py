"""Tracebacks and times as texts."""

import pytest

from services.collector.sources.logs.record import Frame
from services.collector.sources.logs.timestamps import hour_of, parse_time
from services.collector.sources.logs.tracebacks import find_failure

HEAD = "Traceback (most recent call last):"
INNER = f'{HEAD}\n  File "/a/inner.py", line 1, in inner\n    x()\nKeyError: 1'
OUTER = f'{HEAD}\n  File "/a/outer.py", line 2, in outer\n    y()\n    ^^^\nRuntimeError: two\nlines'
CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/a/group.py", line 3, in run
  |     raise ExceptionGroup("many", errors)
  | ExceptionGroup: many (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: one
    +---------------- 2 ----------------
    | TypeError: two
    +------------------------------------"""
NODE = """TypeError: x is undefined
    at charge (/srv/shop/pay.js:10:5)
    at async Object.run (file:///srv/shop/app.js:3:1)
    at node:internal/main:1:1"""


@pytest.mark.parametrize(
    ("text", "kind", "message", "frames"),
    [
        (INNER, "KeyError", "1", [("/a/inner.py", "inner")]),
        (OUTER, "RuntimeError", "two\nlines", [("/a/outer.py", "outer")]),
        (f"before\n{INNER}{CAUSE}{OUTER}", "RuntimeError", "two\nlines", [("/a/outer.py", "outer")]),
        (f'{HEAD}\n  File "a.py", line 1\n    x =\n       ^\nSyntaxError: bad', "SyntaxError", "bad", [("a.py", "")]),
        (f'{HEAD}\n  File "a.py", line 1, in f\n  [Previous line repeated 9 more times]\nRecursionError',
         "RecursionError", "", [("a.py", "f")]),
        (GROUP, "ExceptionGroup", "many (2 sub-exceptions)", [("/a/group.py", "run")]),
        (NODE, "TypeError", "x is undefined",
         [("node:internal/main", ""), ("/srv/shop/app.js", "Object.run"), ("/srv/shop/pay.js", "charge")]),
    ],
)  # fmt: skip
def test_failures(text: str, kind: str, message: str, frames: list[tuple[str, str]]) -> None:
    found = find_failure(text)
    assert found is not None
    assert (found.type, found.message) == (kind, message)
    assert found.frames == tuple(Frame(*frame) for frame in frames)


@pytest.mark.parametrize(
    "text",
    ["", "no trace", HEAD, f"{HEAD}\n  File", f"{HEAD}\nnot a type here", "so\n    at home", "x\n    at f (a.js:1:1)"],
)
def test_what_is_none(text: str) -> None:
    assert find_failure(text) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01T10:00:00Z", 1767261600.0),
        ("2026-01-01 10:00:00.5 UTC", 1767261600.5),
        ("2026-01-01 11:00:00,250 +0100", 1767261600.25),
        ("2026-01-01 10:00:00.123456789+00:00", 1767261600.123456),
        ("2026-01-01 12:00:00 +02", 1767261600.0),
        (1767261600, 1767261600.0),
        (1767261600.5, 1767261600.5),
        ("1767261600.5", 1767261600.5),
        (1767261600500, 1767261600.5),
        (1767261600500000, 1767261600.5),
        (1767261600500000000, 1767261600.5),
    ],
)
def test_times(value: object, expected: float) -> None:
    assert parse_time(value) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("value", [None, True, "", "yesterday", "2026-13-45 10:00:00", 0, -5, "nan", "inf", [], {}])
def test_what_is_no_time(value: object) -> None:
    assert parse_time(value) is None


def test_hours_begin_in_utc() -> None:
    assert hour_of(1767261600.0 + 3599.9) == 1767261600
