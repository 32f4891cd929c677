"""What each format says, on lines as real programs write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.logs import formats
from services.collector.sources.logs.formats import BY_KEY, FORMATS
from services.collector.sources.logs.record import Frame, Record, level_of, level_of_python

TRACE = 'Traceback (most recent call last):\n  File "/srv/shop/pay.py", line 9, in charge\n    x()\nshop.Declined: no 5'
FRAME = (Frame("/srv/shop/pay.py", "charge"),)


def parse(key: str, text: str) -> Record | None:
    return BY_KEY[key].parse(text.split("\n"))


def test_folder_and_registry_agree() -> None:
    folder = Path(formats.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\nFORMAT = " in path.read_text()}
    assert {one.stem for one in folder.glob("*.py")} - files == {"__init__", "base", "auto", "json_failure"}
    assert tuple(sorted((getattr(formats, file).FORMAT for file in files), key=FORMATS.index)) == FORMATS
    assert set(BY_KEY) == {one.key for one in FORMATS} | {"auto"}


@pytest.mark.parametrize(
    ("key", "text", "level", "message", "logger"),
    [
        ("python", "ERROR:shop.pay:no answer", "error", "no answer", "shop.pay"),
        ("python", "2026-01-01 10:00:00,123 - shop.pay - ERROR - no answer", "error", "no answer", "shop.pay"),
        ("python", "2026-01-01 10:00:00,123 ERROR [shop.pay] no answer", "error", "no answer", "shop.pay"),
        ("python", "2026-01-01 10:00:00,123 ERROR shop.pay: no answer", "error", "no answer", "shop.pay"),
        ("python", "2026-01-01 10:00:00.123 | ERROR    | no answer", "error", "no answer", ""),
        ("python", "[2026-01-01 10:00:00,123: ERROR/MainProcess] no answer", "error", "no answer", ""),
        ("python", "[2026-01-01 10:00:00 +0000] [7] [CRITICAL] no answer", "critical", "no answer", ""),
        ("uvicorn", "ERROR:    no answer", "error", "no answer", "uvicorn"),
        ("structlog", "2026-01-01T10:00:00.1Z [error    ] no answer                      [shop.pay] a=1", "error",
         "no answer", "shop.pay"),
        ("structlog", "[critical ] no answer a='x y'", "critical", "no answer", ""),
        ("structlog", "2026-01-01 10:00:00 [error    ] no answer", "error", "no answer", ""),
        ("logfmt", 'ts=2026-01-01T10:00:00Z level=error logger=shop msg="no answer"', "error", "no answer", "shop"),
        ("logfmt", "level='fatal' event='no \\'answer\\'' a=1", "critical", "no 'answer'", ""),
        ("postgres", "2026-01-01 10:00:00.123 UTC [7] ERROR:  no answer", "error", "no answer", ""),
        ("postgres", "2026-01-01 10:00:00.123 CET [7] u@d FATAL:  no answer", "critical", "no answer", ""),
        ("json", '{"level":"error","event":"no answer","logger":"shop.pay"}', "error", "no answer", "shop.pay"),
        ("json", '{"levelname":"ERROR","message":"no answer","name":"shop.pay"}', "error", "no answer", "shop.pay"),
        ("json", '{"levelno":40,"message":"no answer"}', "error", "no answer", ""),
        ("json", '{"level":50,"msg":"no answer","name":"shop"}', "error", "no answer", "shop"),
        ("json", '{"severity":"CRITICAL","message":"no answer"}', "critical", "no answer", ""),
        ("json", '{"log":{"level":"error","logger":"a"},"message":"no answer"}', "error", "no answer", "a"),
        ("json", '{"log.level":"error","message":"no answer"}', "error", "no answer", ""),
        ("json", '{"version":"1.1","level":3,"short_message":"no answer"}', "error", "no answer", ""),
        ("json", '{"error_severity":"ERROR","message":"no answer","state_code":"42P01"}', "error", "no answer", ""),
        ("json", '{"severity_text":"ERROR","body":{"a":1}}', "error", '{"a":1}', ""),
        ("json", '{"message":"no level"}', "unknown", "no level", ""),
        ("json", '{"level":{"odd":1},"message":"x"}', "unknown", "x", ""),
    ],
)  # fmt: skip
def test_lines(key: str, text: str, level: str, message: str, logger: str) -> None:
    for known in (key, "auto"):
        found = parse(known, text)
        assert found is not None, known
        assert (found.level, found.message, found.logger) == (level, message, logger), known


@pytest.mark.parametrize(
    ("key", "text", "level"),
    [
        ("python", "INFO:root:error in the message", "info"),
        ("python", "2026-01-01 10:00:00,123 - a - INFO - ERROR was", "info"),
        ("python", "2026-01-01 10:00:00,123 - a - WARNING - x", "warning"),
        ("uvicorn", 'INFO:     127.0.0.1:1 - "GET / HTTP/1.1" 500 Internal Server Error', "info"),
        ("structlog", "[info     ] an error", "info"),
        ("postgres", "2026-01-01 10:00:00.123 UTC [7] LOG:  checkpoint starting: time", "info"),
        ("json", '{"level":"info","event":"x","exception":"no traceback"}', "info"),
        ("json", '{"level":30,"msg":"x"}', "info"),
    ],
)
def test_what_is_no_error(key: str, text: str, level: str) -> None:
    found = parse(key, text)
    assert found is not None
    assert found.level == level


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("python", f"ERROR:shop:failed\n{TRACE}"),
        ("uvicorn", f"ERROR:    Exception in ASGI application\n{TRACE}"),
        ("structlog", f"[error    ] failed                       order=5\n{TRACE}"),
        ("logfmt", f"level=error msg=failed\n{TRACE}"),
        ("json", json.dumps({"level": "error", "event": "failed", "exception": TRACE})),
        ("json", json.dumps({"levelname": "ERROR", "message": "failed", "exc_info": TRACE})),
        ("json", json.dumps({"level": "error", "message": f"failed\n{TRACE}"})),
        ("json", json.dumps({"level": "error", "error.type": "shop.Declined", "error.message": "no 5",
                             "error.stack_trace": TRACE})),
        ("json", json.dumps({"level": "error", "error": {"type": "shop.Declined", "message": "no 5",
                             "stack_trace": TRACE}})),
        ("json", json.dumps({"severity_text": "ERROR", "exception.type": "shop.Declined", "exception.message": "no 5",
                             "exception.stacktrace": TRACE})),
        ("json", json.dumps({"level": "error", "event": "failed", "exception": [
            {"exc_type": "shop.Declined", "exc_value": "no 5",
             "frames": [{"filename": "/srv/shop/pay.py", "lineno": 9, "name": "charge"}]}, {"exc_type": "Cause"}]})),
        ("json", json.dumps({"text": TRACE, "record": {"level": {"name": "ERROR"}, "message": "failed",
                             "exception": {"type": "shop.Declined", "value": "no 5", "traceback": True}}})),
        ("json", TRACE),
        ("python", TRACE),
        ("auto", TRACE),
    ],
)  # fmt: skip
def test_exceptions(key: str, text: str) -> None:
    found = parse(key, text)
    assert found is not None
    assert found.failure is not None
    assert (found.level, found.failure.type, found.failure.message) == ("error", "shop.Declined", "no 5")
    assert found.failure.frames == (() if '"record"' in text else FRAME)


def test_a_crash_below_an_innocent_line_is_an_error() -> None:
    found = parse("python", f"INFO:root:starting\n{TRACE}")
    assert found is not None
    assert found.level == "error"


def test_a_record_that_names_its_exception_is_taken_at_its_word() -> None:
    text = f"[2026-01-01 10:00:00,1: INFO/W-1] Task a[1] retry: Retry in 1s: Declined('no 5')\n{TRACE}"
    found = parse("python", text)
    assert found is not None
    assert found.level == "info"
    assert found.failure is not None


def csv_row(**columns: Any) -> str:
    row = [""] * 26
    for index, value in columns.items():
        row[int(index[1:])] = value
    return ",".join('"' + value.replace('"', '""') + '"' if value else "" for value in row)


def test_postgres_csv() -> None:
    row = csv_row(_1="u", _2="shop", _11="ERROR", _12="42P01", _13='relation "x"\ndoes not exist', _14="why",
                  _19="select *\nfrom x", _22="psql")  # fmt: skip
    found = parse("postgres_csv", "2026-01-01 10:00:00.500 UTC" + row)
    assert found == Record(
        "error", 'relation "x"\ndoes not exist', time=1767261600.5, code="42P01",
        detail="DETAIL: why\nSTATEMENT: select *\nfrom x",
        fields={"user": "u", "database": "shop", "application": "psql"},
    )  # fmt: skip


@pytest.mark.parametrize("text", ["2026-01-01 10:00:00.5 UTC,a,b", "nonsense", '2026-01-01 10:00:00.5 UTC,"x"y,z'])
def test_csv_that_is_none(text: str) -> None:
    assert parse("postgres_csv", text) is None


def test_postgres_statement_and_code() -> None:
    found = parse(
        "postgres",
        "2026-01-01 10:00:00.123 UTC [7] ERROR:  42P01: no x\n2026-01-01 10:00:00.123 UTC [7] STATEMENT:  select\n\tx",
    )
    assert found is not None
    assert (found.code, found.message) == ("42P01", "no x")
    assert found.detail.endswith("STATEMENT:  select\n\tx")


@pytest.mark.parametrize("key", [one.key for one in FORMATS if one.key != "json"])
@pytest.mark.parametrize("text", ["", "hello", "{", '{"a":1}', "error: x"])
def test_what_is_of_another_format_is_none(key: str, text: str) -> None:
    assert parse(key, text) is None


@pytest.mark.parametrize("text", ["{", "{]", "{'a': 1}", "[1]", "text"])
def test_broken_json_is_none(text: str) -> None:
    assert parse("json", text) is None


def test_fields_are_kept_in_bounds() -> None:
    found = parse(
        "json", json.dumps({"level": "error", "event": "x", "big": "y" * 9000, **{f"f{n}": n for n in range(90)}})
    )
    assert found is not None
    assert len(found.fields) == 40
    assert len(found.fields["big"]) == 500


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("Error", "error"), ("WARN", "warning"), ("notice", "info"), ("emerg", "critical"), ("PANIC", "critical"),
        ("trace", "debug"), ("DEBUG3", "debug"), (50, "error"), ("60", "critical"), (10, "debug"), (-1, "unknown"),
        ("loud", "unknown"), (True, "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_levels(word: object, level: str) -> None:
    assert level_of(word) == level


@pytest.mark.parametrize(
    ("number", "level"), [(50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (5, "debug")]
)
def test_pythons_levels(number: int, level: str) -> None:
    assert level_of_python(number) == level


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["level", "levelno", "message", "event", "timestamp", "time", "exception", "error", "err", "exc_info", "record",
     "log", "error.type", "exception.type", "short_message", "logger", "state_code", "frames"]
)  # fmt: skip


@given(st.dictionaries(KEYS, JSON | st.fixed_dictionaries({"level": JSON, "type": JSON, "frames": JSON, "time": JSON})))
def test_any_object_is_read(data: dict[str, Any]) -> None:
    found = parse("json", json.dumps(data))
    assert found is not None
    assert isinstance(found.message, str)
    assert all(isinstance(value, str) for value in found.fields.values())


PIECES = st.sampled_from(
    ["2026-01-01 10:00:00.1 UTC", "[7]", "ERROR:  ", "ERROR:", "INFO", "[error    ]", " - ", "a=b", 'c="', "level=",
     "Traceback (most recent call last):", '\n  File "a.py", line 1, in f', "\nValueError: x", '"', ",", "\n",
     "\t", "{", " | "]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=10), max_size=30).map("".join))
def test_any_text_is_read_or_refused_by_every_format(text: str) -> None:
    lines = text.split("\n")
    for one in BY_KEY.values():
        one.begins(lines[0])
        one.ends(lines)
        one.joins(lines, lines[-1])
        found = one.parse(lines)
        assert found is None or isinstance(found, Record)


@pytest.mark.parametrize("unit", ["a=", "a=b ", "[error] ", "2026-01-01 10:00:00 ", '"', "\\", " ", "ERROR:", "'"])
def test_no_line_holds_a_parser_for_long(unit: str) -> None:
    text = (unit * 65_536)[:65_536]
    for start in ("", "[error    ] ", "2026-01-01 10:00:00.1 UTC [7] ", "level=error msg=", "ERROR:a:"):
        for one in BY_KEY.values():
            one.parse([start + text])
