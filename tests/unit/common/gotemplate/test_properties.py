"""Any text gives a text or a TemplateError; what is written can be read back."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.common.gotemplate import Limits, TemplateError, alertmanager, parse, prometheus
from services.common.gotemplate.builtins import BUILTINS
from services.common.gotemplate.gotime import Time, parse_time
from services.common.gotemplate.hosts import split_host_port, strip_domain, strip_port
from services.common.gotemplate.lexer import Kind, Lexer
from services.common.gotemplate.number_format import float_text
from services.common.gotemplate.numbers import parse_float, parse_integer
from services.common.gotemplate.parser import parse_trees
from services.common.gotemplate.printf import sprintf
from services.common.gotemplate.quoting import from_bytes, quote, to_bytes, unquote, unquote_char

FUNCTIONS = {**alertmanager.functions(1e9), **prometheus.FUNCTIONS}
LIMITS = Limits(output=100_000, steps=5_000)
DATA = {
    "s": "hello é",
    "i": 42,
    "f": 3.5,
    "n": None,
    "l": [1, "two", None, [1.5]],
    "m": {"a": 1, "b": {"c": "deep"}},
    "labels": {"job": "api"},
    "t": Time.at(1_700_000_000),
}
PIECES = [
    *[
        "{{",
        "}}",
        "{{-",
        "-}}",
        "(",
        ")",
        "|",
        ",",
        ".",
        "$",
        ":=",
        "=",
        '"',
        "'",
        "`",
        "\\",
        "/",
        "%",
        "+",
        "-",
        "é",
        "\n",
        "\x00",
        "�",
    ],
    *[
        "{{if",
        "{{else}}",
        "{{end}}",
        "{{range",
        "{{with",
        "{{define",
        "{{block",
        "{{template",
        "{{break}}",
        "{{continue}}",
        "{{/*",
        "*/}}",
    ],
    *[
        ".s",
        ".i",
        ".f",
        ".n",
        ".l",
        ".m",
        ".m.b.c",
        ".labels",
        ".t",
        ".nope",
        "$x",
        "$y",
        "$x:=",
        "1",
        "-1",
        "1.5",
        "1e999",
        "0x1p4",
        "1i",
        "'a'",
        "nil",
        "true",
    ],
    '"%v %d"',
    '"%[3]*.[2]*[1]f"',
    '"(a|b"',
    '"2006-01-02"',
    '"UTC"',
    *sorted(BUILTINS),
    *sorted(FUNCTIONS),
]
FRAGMENTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12)
EXPRESSIONS = st.recursive(
    st.sampled_from([piece for piece in PIECES if piece[:1] in {".", "$", "1", '"', "'", "n", "t"} and piece != "."]),
    lambda inner: st.tuples(st.sampled_from(sorted({*BUILTINS, *FUNCTIONS})), st.lists(inner, max_size=3)).map(
        lambda call: f"({call[0]} {' '.join(call[1])})"
    ),
    max_leaves=6,
)


def attempt(text, *, html=False):
    try:
        result = parse("t", text, FUNCTIONS, html=html, limits=LIMITS).execute(DATA)
    except TemplateError as error:
        assert str(error).startswith("template: ")
        assert error.line >= 1
        assert error.column >= 0
    else:
        assert isinstance(result, str)
        result.encode()


@given(FRAGMENTS, st.sampled_from(["", " "]))
@settings(max_examples=400)
def test_any_pieces_give_a_text_or_a_template_error(pieces, between):
    attempt(between.join(pieces))


@given(FRAGMENTS)
@settings(max_examples=200)
def test_any_pieces_in_html_give_a_text_or_a_template_error(pieces):
    attempt("<a href='" + " ".join(pieces), html=True)
    attempt(" ".join(pieces), html=True)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3))
@settings(max_examples=500)
@example(["(slice .l nil)"])
@example(["(printf .n)"])
@example(["(index .m .l)"])
@example(["(eq .t .m)"])
@example(["(date .t .t)"])
def test_any_calls_give_a_text_or_a_template_error(expressions):
    attempt(f"{{{{ {' | '.join(expressions)} }}}}")


@given(st.text())
def test_any_annotation_gives_a_text(text):
    result = prometheus.expand_or_error(text, labels={"a": text}, value=1.0)
    assert isinstance(result, str)
    if "{{" not in text:
        assert result == text


@given(st.text(), st.lists(st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers()), max_size=3))
@settings(max_examples=300)
def test_any_format_gives_a_text(text, args):
    assert isinstance(sprintf("%" + text.replace("999", ""), *args), str)


@given(st.floats())
def test_the_shortest_form_of_a_float_reads_back(value):
    text = sprintf("%v", value)
    assert float(text) == value or value != value  # noqa: PLR0124 (NaN)
    assert sprintf("%.17g", value).lower().lstrip("+") == float_text(value, "g", 17).lower().lstrip("+")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_hexadecimal_floats_read_back(value):
    assert float.fromhex(sprintf("%x", value)) == value
    assert parse_float(sprintf("%x", value)) == value


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_integers_read_back(value):
    assert parse_integer(sprintf("%d", value)) == value
    assert parse_integer(sprintf("%#x", value)) == value
    assert parse_integer(sprintf("%#b", value)) == value
    assert parse_integer(sprintf("%O", value)) == value


@given(st.text())
def test_quoted_text_reads_back(text):
    for ascii_only in (False, True):
        literal = quote(text, ascii_only=ascii_only)
        assert unquote(literal) == text
        assert not ascii_only or literal.isascii()
    assert parse("t", "{{ " + quote(text) + " }}").execute(None) == text


@given(st.binary())
def test_bytes_that_are_no_utf_8_survive(data):
    assert to_bytes(from_bytes(data)) == data
    assert to_bytes(unquote(quote(from_bytes(data)))) == data
    assert parse("t", "{{ len . }}").execute(from_bytes(data)) == str(len(data))


@given(st.characters(exclude_categories=["Cs"]))
def test_characters_read_back(char):
    assert unquote_char(quote(char, mark="'")) == ord(char)


@given(FRAGMENTS)
@settings(max_examples=200)
def test_what_a_tree_prints_as_is_parsed_to_the_same_tree(pieces):
    try:
        trees = parse_trees("t", " ".join(pieces), BUILTINS)
        shown = str(trees["t"])
        again = parse_trees("t", shown, BUILTINS)
    except TemplateError:
        return
    if "template" not in shown and "}}" not in shown.replace("}}", "", shown.count("{{")):
        assert str(again["t"]) == shown


@given(st.text(alphabet=string.printable, max_size=40))
def test_tokens_cover_the_text_in_order(text):
    tokens = list(Lexer(text).tokens())
    assert tokens[-1].kind in {Kind.EOF, Kind.ERROR}
    position = 0
    for token in tokens[:-1]:
        assert token.pos >= position
        assert text.startswith(token.text, token.pos)
        assert token.line == text.count("\n", 0, token.pos) + 1
        position = token.pos + len(token.text)


@given(st.integers(-62_000_000_000, 250_000_000_000), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_times_read_back(milliseconds, zone):
    time = Time(milliseconds * 10**6).in_zone(zone)
    for layout in (
        "2006-01-02T15:04:05.999999999Z07:00",
        "Mon, 02 Jan 2006 03:04:05.000 PM -0700",
        "Monday _2 January 2006 15:4:5.000 -07:00:00",
        "2006 002 15:04:05.000 Z070000",
    ):
        # Zones of old had offsets that are no whole minutes.
        if milliseconds > 0 or zone == "UTC":
            assert parse_time(layout, time.format(layout)).nanoseconds == time.nanoseconds


@given(st.text(alphabet="ab1.:[]%"))
def test_hosts(text):
    parts = split_host_port(text)
    assert strip_port(text) == (text if parts is None else parts[0])
    assert len(strip_domain(text)) <= len(text)


@pytest.mark.parametrize("text", ["{{ .s", "{{ nosuch }}", "{{ .s.x }}", "{{ index .l 9 }}"])
def test_the_properties_see_errors(text):
    with pytest.raises(TemplateError):
        parse("t", text, FUNCTIONS).execute(DATA)
