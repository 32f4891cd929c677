"""Templates and sets of them as the rest of Tocsin uses them."""

import pytest

from services.common.gotemplate import FunctionError, Template, TemplateError, TemplateSet, function, parse
from services.common.gotemplate.errors import TemplateSyntaxError


def test_a_template_is_parsed_once_and_executed_often():
    template = parse("greeting", "Hello {{ .name }}")
    assert isinstance(template, Template)
    assert template.execute({"name": "A"}) == "Hello A"
    assert template.execute({"name": "B"}) == "Hello B"


def test_a_definition_can_be_executed_by_its_name():
    template = parse("t", '{{ define "x" }}<{{ . }}>{{ end }}outer')
    assert template.execute(1) == "outer"
    assert template.execute(1, template_name="x") == "<1>"
    with pytest.raises(TemplateError, match='no template "y" associated with template ""'):
        template.execute(1, template_name="y")


def test_variables_are_given_by_the_caller():
    template = parse("t", "{{ $a }} {{ $b }} {{ $a = 3 }}{{ $a }}", variables=("a", "b"))
    assert template.execute(None, variables={"a": 1, "b": [1, 2]}) == "1 [1 2] 3"
    assert template.execute(None, variables={"a": 1}) == "1 <no value> 3"
    with pytest.raises(TemplateSyntaxError, match='undefined variable "\\$c"'):
        parse("t", "{{ $c }}", variables=("a",))


def test_variables_do_not_reach_into_definitions():
    with pytest.raises(TemplateSyntaxError, match='undefined variable "\\$a"'):
        parse("t", '{{ define "x" }}{{ $a }}{{ end }}', variables=("a",))


def test_own_functions():
    def divide(a, b):
        if b == 0:
            raise FunctionError("division by zero")
        return a / b

    functions = {
        "divide": function(divide, "float64", "float64"),
        "count": lambda *args: len(args),
        "total": function(lambda *numbers: sum(numbers), "int", variadic=True),
        "negate": function(lambda flag: not flag, "bool"),
    }
    text = '{{ divide 3 2 }} {{ count 1 "a" nil }} {{ total 1 2 3 }} {{ total }} {{ negate true }}'
    assert parse("t", text, functions).execute(None) == "1.5 3 6 0 false"
    for call, problem in {
        "divide 1 0": "error calling divide: division by zero",
        "divide 1": "wrong number of args for divide: want 2 got 1",
        'divide "a" 1': 'expected float; found "a"',
        "divide .x 1": "wrong type for value; expected float64; got string",
        "total 1.5": "expected integer; found 1.5",
        "total nil": "cannot assign nil to int",
        "negate 1": "expected bool; found 1",
    }.items():
        with pytest.raises(TemplateError) as caught:
            parse("t", f"{{{{ {call} }}}}", functions).execute({"x": "text"})
        assert problem in str(caught.value)


def test_functions_may_replace_builtins_and_be_replaced_for_one_execution():
    template = parse("t", "{{ len 1 }} {{ now }}", {"len": lambda _value: "own", "now": lambda: 1})
    assert template.execute(None) == "own 1"
    assert template.execute(None, functions={"now": lambda: 2}) == "own 2"
    assert template.execute(None) == "own 1"


def test_a_set_shares_its_definitions():
    templates = TemplateSet()
    templates.add("lib", '{{ define "bold" }}*{{ . }}*{{ end }}')
    templates.add("message", '{{ template "bold" .subject }} done')
    assert templates.execute("message", {"subject": "disk"}) == "*disk* done"
    assert templates.names == ("bold", "lib", "message")


def test_a_later_definition_wins_but_an_empty_one_does_not():
    templates = TemplateSet()
    templates.add("a", '{{ define "x" }}first{{ end }}')
    templates.add("b", '{{ define "x" }}second{{ end }}')
    assert templates.execute("x", None) == "second"
    templates.add("c", '{{ define "x" }}  {{/* nothing */}} {{ end }}')
    assert templates.execute("x", None) == "second"


def test_a_block_is_a_default():
    templates = TemplateSet()
    templates.add("page", 'a {{ block "body" . }}default {{ . }}{{ end }} z')
    assert templates.execute("page", 1) == "a default 1 z"
    templates.add("own", '{{ define "body" }}own{{ end }}')
    assert templates.execute("page", 1) == "a own z"


def test_a_copy_is_independent():
    templates = TemplateSet({"f": lambda: "f"}, variables=("v",))
    templates.add("a", "{{ f }}")
    copy = templates.copy()
    copy.add("a", "changed {{ $v }}")
    copy.add("b", "more")
    assert templates.execute("a", None) == "f"
    assert copy.execute("a", None, variables={"v": 1}) == "changed 1"
    assert templates.names == ("a",)


def test_a_text_that_can_not_be_parsed_changes_nothing():
    templates = TemplateSet()
    templates.add("a", "good")
    with pytest.raises(TemplateSyntaxError):
        templates.add("a", '{{ define "b" }}b{{ end }}{{ if }}')
    assert templates.names == ("a",)
    assert templates.execute("a", None) == "good"


@pytest.mark.parametrize(
    ("missing", "expected"), [("zero", "| <no value>"), ("default", "<no value>| <no value>"), ("error", None)]
)
def test_missing_keys(missing, expected):
    template = parse("t", "{{ .labels.nope }}| {{ .any.nope }}", missing=missing)
    data = {"labels": {"a": "b"}, "any": {"a": 1}}
    if expected is None:
        with pytest.raises(TemplateError, match='map has no entry for key "nope"'):
            template.execute(data)
    else:
        assert template.execute(data) == expected


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{{ nosuch }}", 1, 3),
        ("a\nbb {{ .x.y }}", 2, 8),
        ("é\né {{ .x.y }}", 2, 8),
        ("{{ if true }}\n\n{{ .x.y }}{{ end }}", 3, 5),
        ("a {{ .x.y", 1, 9),
        ("", 0, 0),
    ],
)
def test_errors_have_a_position(text, line, column):
    if not text:
        assert parse("t", text).execute(None) == ""
        return
    with pytest.raises(TemplateError) as caught:
        parse("t", text).execute({"x": 1})
    assert (caught.value.name, caught.value.line, caught.value.column) == ("t", line, column)
    assert caught.value.message == str(caught.value)
