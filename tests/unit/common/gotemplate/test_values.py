"""What templates see of Python's values, and what they don't."""

import datetime as dt
import enum
from dataclasses import dataclass, field
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.common.gotemplate import TemplateError, parse
from services.common.gotemplate.gotime import Duration, Month, Time, Weekday
from services.common.gotemplate.values import HTML, GoList, GoMap, Struct, Uint8, function, type_name


def expand(text, data):
    return parse("t", text).execute(data)


class Level(enum.Enum):
    HIGH = "high"


class Code(enum.IntEnum):
    OK = 200


@dataclass
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)

    def secret(self):
        return "secret"


UTC = dt.UTC
WHEN = dt.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "printed", "kind"),
    [
        (True, "true", "bool"),
        (5, "5", "int"),
        (1e6, "1e+06", "float64"),
        (1 + 2j, "(1+2i)", "complex128"),
        ("é", "é", "string"),
        (b"hi", "[104 105]", "[]uint8"),
        ({"b": "2", "a": "1"}, "map[a:1 b:2]", "map[string]string"),
        ({"a": 1, "b": None}, "map[a:1 b:<nil>]", "map[string]interface {}"),
        ({}, "map[]", "map[string]string"),
        (["a", "b"], "[a b]", "[]string"),
        ((1, "b"), "[1 b]", "[]interface {}"),
        ([None, [1.0]], "[<nil> [1]]", "[]interface {}"),
        (Level.HIGH, "high", "string"),
        (Code.OK, "200", "int"),
        (np.float64(1.5), "1.5", "float64"),
        (np.int64(7), "7", "int"),
        (Point(1, tags=["a"]), "{1 0.5 [a]}", "struct Point"),
        (Struct("main.T", {"A": 1, "B": "x"}), "{1 x}", "main.T"),
        (WHEN, "2024-02-29 12:30:15.123456 +0000 UTC", "time.Time"),
        (WHEN.replace(tzinfo=None), "2024-02-29 12:30:15.123456 +0000 UTC", "time.Time"),
        (WHEN.astimezone(ZoneInfo("Europe/Berlin")), "2024-02-29 13:30:15.123456 +0100 CET", "time.Time"),
        (WHEN.astimezone(dt.timezone(dt.timedelta(hours=-5))), "2024-02-29 07:30:15.123456 -0500 -0500", "time.Time"),
        (dt.timedelta(hours=1, milliseconds=1), "1h0m0.001s", "time.Duration"),
        (HTML("<b>"), "<b>", "template.HTML"),
        (Uint8(7), "7", "uint8"),
        (Month(2), "February", "time.Month"),
        (Weekday(0), "Sunday", "time.Weekday"),
        (GoMap(), "map[]", "map[string]interface {}"),
        (GoList(), "[]", "[]interface {}"),
    ],
)
def test_values_and_their_types(value, printed, kind):
    assert expand('{{ . }}|{{ printf "%T" . }}', value) == f"{printed}|{kind}"
    assert expand("{{ .x }}", {"x": value}) == printed


def test_fields_of_a_dataclass():
    assert expand("{{ .x }} {{ .y }} {{ index .tags 0 }}", Point(3, tags=["t"])) == "3 0.5 t"


@pytest.mark.parametrize(
    "path",
    [
        ".secret",
        ".__class__",
        ".__class__.__mro__",
        ".__dataclass_fields__",
        ".x.__class__",
        ".x.real",
        ".tags.append",
        ".tags.__len__",
    ],
)
def test_nothing_else_of_an_object_can_be_reached(path):
    with pytest.raises(TemplateError, match="can't evaluate field"):
        expand(f"{{{{ {path} }}}}", Point(3))


@pytest.mark.parametrize("value", [SimpleNamespace(a=1), object(), Exception("x")])
def test_other_objects_are_empty_structs(value):
    assert expand("{{ . }}", value) == "{}"
    with pytest.raises(TemplateError, match=r"can't evaluate field a in type struct \{\}"):
        expand("{{ .a }}", value)


def test_a_dictionary_s_own_attributes_are_keys_only():
    assert expand("{{ .keys }}|{{ .items }}", {"a": "b"}) == "|"
    assert expand("{{ .keys }}", {"keys": "k"}) == "k"


def test_functions_in_data_can_be_called():
    data = {"f": function(lambda a, b: f"{a}-{b}", "string", "int"), "s": "x"}
    assert expand('{{ call .f "a" 1 }} {{ call .f .s (len .s) }}', data) == "a-1 x-1"
    for text, problem in {
        '{{ call .f "a" }}': "wrong number of args for .f: got 1 want 2",
        "{{ call .f 1 1 }}": "arg 0: value has type int; should be string",
        "{{ call .f nil 1 }}": "arg 0: value is nil; should be of type string",
        "{{ call .s }}": "non-function .s of type string",
        "{{ call nil }}": "call of nil",
        "{{ .f }}": "can't print {{.f}} of type func()",
    }.items():
        with pytest.raises(TemplateError) as caught:
            expand(text, data)
        assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (-1500, "-1.5µs"),
        (2_000_000, "2ms"),
        (10**9, "1s"),
        (90 * 10**9, "1m30s"),
        (3600 * 10**9, "1h0m0s"),
        (-(1 << 63), "-2562047h47m16.854775808s"),
    ],
)
def test_durations(nanoseconds, text):
    assert Duration(nanoseconds).go_string() == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-62_135_596_800, "0001-01-01 00:00:00 +0000 UTC"),
        (-62_167_219_200, "0000-01-01 00:00:00 +0000 UTC"),
        (-62_198_755_200, "-0001-01-01 00:00:00 +0000 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 +0000 UTC"),
        (253_402_300_800, "10000-01-01 00:00:00 +0000 UTC"),
        (951_782_400, "2000-02-29 00:00:00 +0000 UTC"),
    ],
)
def test_times_beyond_those_of_datetime(seconds, text):
    assert Time(seconds * 10**9).go_string() == text


def test_equality_of_times():
    assert Time.at(1.5) == Time.at(1.5)
    assert Time.at(1.5) != Time.at(1.5).in_zone("Europe/Berlin")
    assert len({Time.at(1), Time.at(1), Time.at(2)}) == 2
    assert expand("{{ eq .a .a }} {{ eq .a .b }} {{ .a.Equal .b }}", {"a": WHEN, "b": WHEN + dt.timedelta(1)}) == (
        "true false false"
    )


def test_type_names_of_nothing():
    assert type_name(None) == "<nil>"
