"""No template hangs or eats memory."""

import pytest

from services.common.gotemplate import Limits, TemplateError, alertmanager, parse, prometheus

FUNCTIONS = {**prometheus.FUNCTIONS, **alertmanager.functions(0.0)}
NESTED = "(" * 99 + "1" + ")" * 99

GREEDY = {
    "a long range": "{{ range 1000000000000 }}{{ end }}",
    "a long range that writes": "{{ range 1000000000000 }}x{{ end }}",
    "ranges in ranges": "{{ range 10000 }}{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}{{ end }}",
    "a text that doubles": '{{ $x := "xxxxxxxxxx" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}{{ $x }}',
    "a text that grows eightfold": '{{ $x := "xxxxxxxxxx" }}{{ range 9 }}'
    "{{ $x = print $x $x $x $x $x $x $x $x }}{{ end }}",
    "quotes that grow": '{{ $x := "\\"\\"" }}{{ range 100 }}{{ $x = printf "%q" $x }}{{ end }}{{ $x }}',
    "escapes that grow": '{{ $x := "&&&&" }}{{ range 100 }}{{ $x = html $x $x }}{{ end }}{{ $x }}',
    "a wide field": '{{ printf "%9000000d" 1 }}',
    "a wide field as argument": '{{ printf "%*d%*d" 1000000 1 1000000 1 }}',
    "a precise number": '{{ printf "%.9000000f" 1.5 }}',
    "a replacement that grows": '{{ $x := printf "%100000s" "" }}{{ reReplaceAll " " $x $x }}',
    "a group that grows": '{{ $x := printf "%100000s" "" }}{{ reReplaceAll "." "$0$0$0$0$0$0$0$0$0$0$0$0" $x }}',
    "a list that doubles": "{{ $l := list 1 2 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
    "a list that doubles, as JSON": "{{ $l := list 1 2 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
    "a list in a list in a list": "{{ $l := list 1 }}{{ range 5000 }}{{ $l = list $l }}{{ end }}{{ $l }}",
    "the same as JSON": "{{ $l := list 1 }}{{ range 5000 }}{{ $l = list $l }}{{ end }}{{ toJson $l }}",
    "the same compared": "{{ $l := list 1 }}{{ range 5000 }}{{ $l = list $l }}{{ end }}{{ eq $l $l }}",
    "a join that grows": '{{ $x := printf "%100000s" "" }}'
    '{{ join $x (stringSlice "" "" "" "" "" "" "" "" "" "" "" "" "") }}',
    "a template that calls itself": '{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
    "two that call each other": '{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ template "a" }}{{ end }}'
    '{{ template "a" }}',
    "a tree of templates": '{{ define "t" }}{{ if gt . 0 }}{{ template "t" 30 }}{{ template "t" 30 }}{{ end }}{{ end }}'
    '{{ template "t" 30 }}',
    "many regular expressions": '{{ range 1000000 }}{{ match (print "a" . "b*c+") "abc" }}{{ end }}',
    "a big regular expression": '{{ match "((((a{1,100}){1,100}){1,100}){1,100})" "x" }}',
    "a long text handled often": '{{ $x := printf "%1000000s" "" }}{{ range 1000000 }}{{ $y := toUpper $x }}{{ end }}',
}


@pytest.mark.parametrize("text", GREEDY.values(), ids=GREEDY.keys())
def test_greedy_templates_are_stopped(text):
    template = parse("main", text, FUNCTIONS)
    with pytest.raises(TemplateError, match=r"^template: main:"):
        template.execute(None)


DEEP = {
    "parentheses": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "open parentheses": "{{ " + "(" * 20_000,
    "branches": "{{ if true }}" * 20_000 + "{{ end }}" * 20_000,
    "loops": "{{ range 1 }}" * 20_000 + "{{ end }}" * 20_000,
    "blocks": '{{ block "a" . }}' * 20_000,
    "else if": "{{ if true }}" + "{{ else if true }}" * 20_000 + "{{ end }}",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_refused_when_parsed(text):
    with pytest.raises(TemplateError, match="max expression depth exceeded"):
        parse("main", text)


def test_nesting_within_the_limits_works():
    assert parse("main", "{{ " + NESTED + " }}").execute(None) == "1"
    assert parse("main", "{{ if true }}" * 99 + "x" + "{{ end }}" * 99).execute(None) == "x"
    chain = "{{ if eq . 0 }}0" + "".join(f"{{{{ else if eq . {n} }}}}{n}" for n in range(1, 90)) + "{{ end }}"
    assert parse("main", chain).execute(89) == "89"
    countdown = '{{ define "t" }}{{ . }}{{ if gt . 0 }}{{ template "t" 0 }}{{ end }}{{ end }}{{ template "t" 5 }}'
    assert parse("main", countdown).execute(None) == "50"


@pytest.mark.parametrize(
    ("limits", "text", "problem"),
    [
        (Limits(output=5), "123456", r"exceeded maximum output size \(5 characters\)"),
        (Limits(output=5), '{{ "123456" }}', r"exceeded maximum output size \(5 characters\)"),
        (Limits(steps=50), "{{ range 100 }}{{ end }}", r"exceeded maximum number of steps \(50\)"),
        (Limits(depth=3), "{{ if 1 }}{{ if 1 }}{{ if 1 }}{{ end }}{{ end }}{{ end }}", r"maximum template depth \(3\)"),
    ],
)
def test_limits_are_those_that_were_given(limits, text, problem):
    with pytest.raises(TemplateError, match=problem):
        parse("main", text, limits=limits).execute(None)


def test_what_is_just_within_the_limits_passes():
    assert parse("main", "12345", limits=Limits(output=5)).execute(None) == "12345"
    assert len(parse("main", "{{ range 10000 }}0123456789{{ end }}").execute(None)) == 100_000
