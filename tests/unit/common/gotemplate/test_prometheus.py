"""Prometheus' template functions, variables and error texts."""

import math
from types import SimpleNamespace

import pytest

from services.common.gotemplate import TemplateError, prometheus

NAMES = {
    "args",
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "value",
}


def sample(value, **labels):
    return SimpleNamespace(labels=labels, value=value)


def expand(text, **given):
    return prometheus.expand(text, **arguments(given))


def arguments(given):
    return {
        "labels": {"instance": "db-1.example.com:9187", "job": "postgres", "alertname": "Down"},
        "value": 1234567.5,
        "external_labels": {"region": "eu"},
        "external_url": "http://mon.example.com:9090/prefix",
        "now": 1_700_000_000.25,
        "alert": "Down",
        **given,
    }


def test_the_functions_are_prometheus_29():
    assert set(prometheus.FUNCTIONS) == NAMES
    assert len(NAMES) == 29


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("{{ $value }}", "1.2345675e+06"),
        ("{{ .Value }}", "1.2345675e+06"),
        ("{{ $labels.job }} {{ .Labels.job }}", "postgres postgres"),
        ("{{ $labels.nope }}|", "|"),
        ("{{ $externalLabels.region }} {{ .ExternalLabels.region }}", "eu eu"),
        ("{{ $externalURL }} {{ .ExternalURL }}", "http://mon.example.com:9090/prefix " * 2),
        ("{{ externalURL }} {{ pathPrefix }}", "http://mon.example.com:9090/prefix /prefix"),
        ("{{ now }}", "1.70000000025e+09"),
        ('{{ (now | toTime).Format "15:04:05.000" }}', "22:13:20.249"),
        ("{{ $value | humanize }}", "1.235M"),
        ("{{ $value | humanize1024 }}", "1.177Mi"),
        ("{{ humanizeDuration $value }}", "14d 6h 56m 7s"),
        ("{{ humanizePercentage 0.756 }}", "75.6%"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ('{{ printf "%.2f" $value }}', "1234567.50"),
        ('{{ "aa bb CC" | title }}', "Aa Bb CC"),
        ('{{ "aa bb CC" | toUpper }}', "AA BB CC"),
        ('{{ "aA bB CC" | toLower }}', "aa bb cc"),
        ('{{ match "a+" "aa" }} {{ match "a+" "b" }}', "true false"),
        ('{{ reReplaceAll "(a)b" "x$1" "ab" }}', "xa"),
        ('{{ graphLink "up" }}', "/graph?g0.expr=up&g0.tab=0"),
        ('{{ tableLink "up{a=\\"b\\"}" }}', "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=1"),
        ('{{ safeHtml "<b>" }}', "<b>"),
        ("{{ stripPort $labels.instance }}", "db-1.example.com"),
        ("{{ stripDomain $labels.instance }}", "db-1:9187"),
        ('{{ printf "%0.2f" (parseDuration "1h2m10ms") }}', "3720.01"),
        ('{{ parseDuration "0" }} {{ parseDuration "1d" }}', "0 86400"),
        ('{{ urlQueryEscape "a b&c" }}', "a+b%26c"),
        ('{{ "1435065584.128" | toTime }}', "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ toDuration 3661.5 }}", "1h1m1.5s"),
        ('{{define "x"}}{{.arg0}} {{.arg1}}{{end}}{{template "x" (args 1 "2")}}', "1 2"),
        ("{{ if gt $value 1000.0 }}high{{ else }}low{{ end }}", "high"),
        ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }} {{ end }}", None),
        ("{{ $labels }}", "map[alertname:Down instance:db-1.example.com:9187 job:postgres]"),
    ],
)
def test_annotations(text, expected):
    if expected is None:
        expected = "alertname=Down instance=db-1.example.com:9187 job=postgres "
    elif text.startswith("{{ $externalURL"):
        expected = expected.strip()
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (0.0, "0"), (1e21, "1e+21"), (100000, "100000")],
)
def test_values_print_as_go_prints_floats(value, expected):
    assert expand("{{ $value }}", value=value) == expected


def test_the_clock_and_the_labels_are_what_was_given():
    assert expand("{{ now }}", now=0.0) == "0"
    assert expand("{{ $labels }}{{ $labels.a }}", labels={}) == "map[]"
    assert expand("{{ $externalLabels.a }}", external_labels=None) == ""


SAMPLES = [
    sample(21, __name__="metric", instance="b"),
    sample(11.5, __name__="metric", instance="a", __value__="v"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ query "metric" | first | value }}', "21"),
        ('{{ query "metric" | first | label "instance" }}', "b"),
        ('{{ query "metric" | first | label "foo" }}|', "|"),
        ('{{ query "metric" | sortByLabel "instance" | first | strvalue }}', "v"),
        (
            '{{ range query "metric" | sortByLabel "instance" }}{{.Labels.instance}}:{{.Value}}: {{end}}',
            "a:11.5: b:21: ",
        ),
        ('{{ with query "metric" }}{{ len . }}{{ end }}', "2"),
        ('{{ first (query "metric") }}', "{map[__name__:metric instance:b] 21}"),
        ('{{ printf "%T %T" (query "m") (first (query "m")) }}', "template.queryResult *template.sample"),
    ],
)
def test_queries(text, expected):
    asked = []

    def query(expr):
        asked.append(expr)
        return SAMPLES

    assert expand(text, query=query) == expected
    assert set(asked) <= {"metric", "m"}


def test_a_query_is_asked_with_the_expanded_expression():
    asked = []

    def query(expr):
        asked.append(expr)
        return []

    assert expand(
        "{{ with printf \"up{instance='%s'}\" $labels.instance | query }}x{{ else }}none{{ end }}", query=query
    )
    assert asked == ["up{instance='db-1.example.com:9187'}"]


AT = "template __alert_Down: template: __alert_Down:1:"
IN = 'executing "__alert_Down" at'


def failing(_expr):
    raise ValueError("expanding series: too many samples")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{{ .Foo }}",
            (
                f"executing {AT}115: {IN} <.Foo>: can't evaluate field Foo in type struct {{ Labels map[string]string; "
                "ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
            ),
        ),
        ("{{ nosuch }}", f'parsing {AT} function "nosuch" not defined'),
        ("{{ $nosuch }}", f'parsing {AT} undefined variable "$nosuch"'),
        ("{{", f"parsing {AT} unclosed action"),
        (
            '{{ query "x" | first }}',
            f"executing {AT}127: {IN} <first>: error calling first: first() called on vector with no elements",
        ),
        (
            '{{ query "boom" }}',
            f'executing {AT}115: {IN} <query "boom">: error calling query: expanding series: too many samples',
        ),
        (
            '{{ humanize "one" }}',
            (
                f'executing {AT}115: {IN} <humanize "one">: error calling humanize: '
                'strconv.ParseFloat: parsing "one": invalid syntax'
            ),
        ),
    ],
)
def test_a_template_that_fails_gives_prometheus_text(text, expected):
    def query(expr):
        return failing(expr) if expr == "boom" else []

    got = prometheus.expand_or_error(text, **arguments({"query": query}))
    assert got == f"<error expanding template: error {expected}>"


def test_a_good_template_gives_its_text_where_errors_are_shown_too():
    assert prometheus.expand_or_error("{{ $labels.job }}", **arguments({})) == "postgres"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{{ toTime "x" }}', 'strconv.ParseFloat: parsing "x": invalid syntax'),
        ('{{ toTime "NaN" }}', "value is NaN or Inf"),
        ("{{ toTime 1e30 }}", "1e+30 cannot be represented as a nanoseconds timestamp since it overflows int64"),
        ('{{ parseDuration "" }}', "empty duration string"),
        ('{{ parseDuration "1x" }}', 'not a valid duration string: "1x"'),
        ('{{ parseDuration "1000y" }}', "duration out of range"),
        ('{{ match "(" "x" }}', "error parsing regexp: missing closing ): `(`"),
        ('{{ reReplaceAll "*" "" "x" }}', "missing argument to repetition operator: `*`"),
        ('{{ reReplaceAll "[`" "" "x" }}', 'regexp: Compile("[`"): error parsing regexp: missing closing ]: `[`'),
        ('{{ query "up" }}', "no queries can be made here"),
        ("{{ humanize true }}", "can't convert bool to float"),
        ("{{ value nil }}", "invalid memory address or nil pointer dereference"),
        ('{{ label "a" nil }}', "invalid memory address or nil pointer dereference"),
    ],
)
def test_functions_say_what_is_wrong(text, problem):
    with pytest.raises(TemplateError, match="error calling") as caught:
        expand(text, query=None)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("{{ .Foo }}", 1, 3), ("ab {{ .Foo }}", 1, 6), ("a\n {{ .Foo }}", 2, 4), ("é {{ .Foo }}", 1, 6)],
)
def test_errors_point_into_the_rule_s_own_text(text, line, column):
    with pytest.raises(TemplateError) as caught:
        expand(text)
    assert (caught.value.line, caught.value.column, caught.value.name) == (line, column, "__alert_Down")


def test_check_refuses_what_can_not_be_parsed_and_nothing_else():
    prometheus.check("no template", alert="A")
    prometheus.check("{{ $labels.a }} {{ $value | humanize }} {{ .Nope }}", alert="A")
    with pytest.raises(TemplateError, match=r'^template: __alert_A:2: function "humanise" not defined$') as caught:
        prometheus.check("x\n{{ $value | humanise }}", alert="A")
    assert caught.value.line == 2


def test_sorting_is_stable_and_by_bytes():
    samples = [sample(1, a="b", n="1"), sample(2, a="a"), sample(3, a="b", n="2"), sample(4), sample(5, a="é")]
    text = '{{ range query "x" | sortByLabel "a" }}{{ .Value }}{{ end }}'
    assert expand(text, query=lambda _expr: samples) == "42135"
