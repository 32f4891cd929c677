"""Alertmanager's functions and data, and templates in files shared by text and HTML."""

import json

import pytest

from services.common.gotemplate import TemplateError, parse
from services.common.gotemplate.alertmanager import Templates, functions
from services.common.gotemplate.alertmanager_data import AlertInput, common, notification_data

NOW = 1_700_003_661.0
STARTS = 1_700_000_000.0
FIRING = AlertInput(
    status="firing",
    labels={"severity": "critical", "alertname": "QueueBacklog", "queue": "<mail>"},
    annotations={"summary": "45 tasks & more", "runbook": "https://wiki.example.com/q?a=1&b=2"},
    starts_at=STARTS,
    generator_url="http://prom.example.com/graph?g0.expr=up",
    fingerprint="00112233445566aa",
)
RESOLVED = AlertInput(
    status="resolved",
    labels={"severity": "critical", "alertname": "QueueBacklog", "queue": "sms"},
    annotations={"summary": "45 tasks & more"},
    starts_at=STARTS,
    ends_at=STARTS + 90,
)
DATA = notification_data(
    receiver="team.a/b",
    alerts=[FIRING, RESOLVED],
    group_labels={"alertname": "QueueBacklog"},
    external_url="https://am.example.com",
    reason="new alerts",
    extra={"AckURL": "https://example.com/ack"},
)


def expand(text, data=DATA, now=NOW):
    return parse("t", text, functions(now)).execute(data)


def test_the_functions_are_alertmanager_s():
    assert set(functions(0.0)) == {
        "append",
        "base64decode",
        "base64encode",
        "date",
        "dict",
        "humanizeDuration",
        "join",
        "list",
        "match",
        "mustToDate",
        "now",
        "reReplaceAll",
        "safeHtml",
        "safeUrl",
        "since",
        "stringSlice",
        "title",
        "toDate",
        "toJson",
        "toLower",
        "toUpper",
        "trimSpace",
        "tz",
        "urlUnescape",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ "aa bb CC" | title }}', "Aa Bb Cc"),
        ("{{ title \"3rd don't o'neil foo-bar foo_bar a.b\" }}", "3Rd Don't O'neil Foo-Bar Foo_bar A.b"),
        ('{{ toUpper "straße" }} {{ toLower "ÀÉ" }}', "STRAßE àé"),
        ('{{ toUpper "\u1fb3" }}', "\u1fbc"),
        ('{{ trimSpace "\u00a0\u2003x\u200b " }}', "x\u200b"),
        ('{{ join ", " (stringSlice "a" "b") }}', "a, b"),
        ('{{ match "^a" "abc" }}{{ match "^b" "abc" }}', "truefalse"),
        ('{{ reReplaceAll "(?P<n>b)" "<$n$1${1}x$1x>$$ $ ${" "abc" }}', "a<bbbx>$ $ ${c"),
        ('{{ reReplaceAll "a*" "x" "baaac" }} {{ reReplaceAll "" "-" "abc" }}', "xbxcx -a-b-c-"),
        ('{{ reReplaceAll "b*" "[$0]" "abbc" }}', "[]a[bb]c[]"),
        ('{{ urlUnescape "a%20b+c%C3%A9" }}', "a b cé"),
        ('{{ safeHtml "<b>" }}{{ safeUrl "x:y" }}', "<b>x:y"),
        ("{{ now }}", "2023-11-14 23:14:21 +0000 UTC"),
        ("{{ since (index .Alerts 0).StartsAt }}", "1h1m1s"),
        ("{{ since (index .Alerts 0).StartsAt | humanizeDuration }}", "1h 1m 1s"),
        ('{{ (index .Alerts 0).StartsAt | tz "Europe/Berlin" | date "2006-01-02 15:04 MST" }}', "2023-11-14 23:13 CET"),
        ('{{ toDate "2006-01-02" "nonsense" }}', "0001-01-01 00:00:00 +0000 UTC"),
        ('{{ (mustToDate "2006-01-02" "2024-02-29").YearDay }}', "60"),
        ('{{ base64encode "a?>" }} {{ base64decode "YT8-" }}', "YT8- a?>"),
        ('{{ index (list 1 "b") 1 }} {{ append (list 1) 2 3 }} {{ append nil 1 }}', "b [1 2 3] [1]"),
        ('{{ (dict "a" 1 "b" "x").b }} {{ dict "a" nil }}', "x map[a:<nil>]"),
        ('{{ toJson (dict "b" 1.5 "a" (list nil true "<&>")) }}', '{"a":[null,true,"\\u003c\\u0026\\u003e"],"b":1.5}'),
    ],
)
def test_functions(text, expected):
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{{ urlUnescape "%zz" }}', 'invalid URL escape "%zz"'),
        ('{{ urlUnescape "a%2" }}', 'invalid URL escape "%2"'),
        ('{{ tz "No/Where" now }}', "unknown time zone No/Where"),
        ('{{ tz "../etc/passwd" now }}', "time: invalid location name"),
        ('{{ mustToDate "2006-01-02" "2023-02-29" }}', 'parsing time "2023-02-29": day out of range'),
        ('{{ base64decode "%" }}', "illegal base64 data"),
        ('{{ dict "a" }}', "dict requires an even number of arguments"),
        ("{{ dict 1 2 }}", "dict keys must be strings"),
        ("{{ toJson 1i }}", "json: unsupported type: complex128"),
        ('{{ join "," .Status }}', "wrong type for value; expected []string; got string"),
        ('{{ date "2006" .Status }}', "wrong type for value; expected time.Time; got string"),
    ],
)
def test_functions_say_what_is_wrong(text, problem):
    with pytest.raises(TemplateError) as caught:
        expand(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Receiver }}", "team\\.a/b"),
        ("{{ .Status | toUpper }} {{ .NotificationReason }}", "FIRING new alerts"),
        ("{{ len .Alerts }} {{ .Alerts.Firing | len }} {{ len .Alerts.Resolved }}", "2 1 1"),
        ("{{ .GroupLabels }}", "alertname=QueueBacklog"),
        ("{{ .CommonLabels.SortedPairs }}", "alertname=QueueBacklog, severity=critical"),
        ('{{ .CommonLabels.SortedPairs.Values | join " " }}', "QueueBacklog critical"),
        ("{{ .CommonLabels.Names }} {{ .CommonLabels.Values }}", "[alertname severity] [QueueBacklog critical]"),
        ("{{ (.CommonLabels.Remove .GroupLabels.Names).SortedPairs.Names }}", "[severity]"),
        ('{{ with .CommonLabels.Remove (stringSlice "alertname" "severity") }}x{{ else }}none{{ end }}', "none"),
        ("{{ .CommonAnnotations.summary }}{{ .CommonAnnotations.nope }}", "45 tasks & more"),
        ("{{ range .Alerts.Firing }}{{ .Labels.queue }}{{ end }}", "<mail>"),
        (
            "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}",
            "alertname=QueueBacklog;severity=critical;",
        ),
        ("{{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 1).EndsAt.IsZero }}", "true false"),
        ("{{ with index .Alerts 1 }}{{ .EndsAt.Sub .StartsAt }}{{ end }}", "1m30s"),
        ("{{ (index .Alerts 0).Fingerprint }} {{ (index .Alerts 0).GeneratorURL }}", None),
        ("{{ .ExternalURL }} {{ .AckURL }}", "https://am.example.com https://example.com/ack"),
        ('{{ printf "%T %T %T" . .Alerts .GroupLabels }}', "*template.Data template.Alerts template.KV"),
        ('{{ printf "%T %T" .Alerts.Firing .Alerts.Resolved }}', "[]template.Alert []template.Alert"),
        ("{{ (index .Alerts 0).Labels.SortedPairs | len }}", "3"),
        ("{{ .CommonLabels.SortedPairs.String }}|{{ .GroupLabels.String }}", None),
    ],
)
def test_data(text, expected):
    if expected is None:
        expected = {
            True: "00112233445566aa http://prom.example.com/graph?g0.expr=up",
            False: "alertname=QueueBacklog, severity=critical|alertname=QueueBacklog",
        }["Fingerprint" in text]
    assert expand(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ .Nope }}",
        "{{ (index .Alerts 0).Nope }}",
        "{{ .Alerts.Nope }}",
        "{{ .Alerts.Firing.Resolved }}",
        "{{ .alerts }}",
    ],
)
def test_unknown_fields_are_errors(text):
    with pytest.raises(TemplateError, match="can't evaluate field"):
        expand(text)


def test_status_is_resolved_when_nothing_fires():
    data = notification_data(receiver="r", alerts=[RESOLVED], group_labels={}, external_url="")
    assert expand("{{ .Status }} {{ .CommonLabels.queue }} {{ .GroupLabels }}|", data) == "resolved sms |"


def test_common_pairs():
    assert common([]) == {}
    assert common([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"a": "1"}]) == {"a": "1"}


def test_json_has_the_webhook_s_names():
    alert = json.loads(expand("{{ toJson (index .Alerts 1) }}"))
    assert alert["startsAt"] == "2023-11-14T22:13:20Z"
    assert alert["labels"]["queue"] == "sms"
    assert list(alert) == ["status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"]
    whole = json.loads(expand("{{ toJson . }}"))
    assert whole["notification_reason"] == "new alerts"
    assert [alert["status"] for alert in whole["alerts"]] == ["firing", "resolved"]


SHARED = """
{{ define "subject" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}]
{{- " " }}{{ .GroupLabels.SortedPairs.Values | join " " }}{{ end }}
{{ define "page" }}<html><title>{{ template "subject" . }}</title><body>
{{ range .Alerts }}<a href="{{ .Annotations.runbook }}" title="{{ .Labels.queue }}">{{ .Labels.queue }}</a>
<a href="/#/alerts?q={{ .Labels.queue }}">x</a>
{{ end }}</body></html>{{ end }}
"""


def templates():
    shared = Templates()
    shared.add("shared.tmpl", SHARED)
    return shared


def test_files_serve_text_and_html():
    shared = templates()
    assert {"subject", "page"} <= set(shared.names)
    assert shared.expand('{{ template "subject" . }}', DATA, now=NOW) == "[FIRING:1] QueueBacklog"
    page = shared.expand('{{ template "page" . }}', DATA, now=NOW, html=True)
    assert "<title>[FIRING:1] QueueBacklog</title>" in page
    assert (
        '<a href="https://wiki.example.com/q?a=1&amp;b=2" title="&lt;mail&gt;">&lt;mail&gt;</a>\n'
        '<a href="/#/alerts?q=%3cmail%3e">x</a>'
    ) in page
    text = shared.expand('{{ template "page" . }}', DATA, now=NOW)
    assert 'title="<mail>"><mail></a>' in text


def test_a_configuration_s_text_can_define_without_changing_the_files():
    shared = templates()
    assert shared.expand('{{ define "subject" }}own{{ end }}{{ template "subject" }}', DATA, now=NOW) == "own"
    assert shared.expand('{{ template "subject" . }}', DATA, now=NOW) == "[FIRING:1] QueueBacklog"


def test_plain_text_is_not_parsed():
    assert templates().expand("no action }}", DATA, now=NOW) == "no action }}"


def test_bad_texts_are_refused():
    shared = templates()
    with pytest.raises(TemplateError, match='function "nosuch" not defined'):
        shared.check("{{ nosuch }}")
    with pytest.raises(TemplateError, match=r"bad\.tmpl:1: unexpected EOF"):
        shared.add("bad.tmpl", '{{ define "subject" }}broken')
    shared.check('{{ template "subject" . }}', html=True)
    assert shared.expand('{{ template "subject" . }}', DATA, now=NOW) == "[FIRING:1] QueueBacklog"
    with pytest.raises(TemplateError, match='template "missing" not defined'):
        shared.expand('{{ template "missing" . }}', DATA, now=NOW)


def test_the_time_is_the_one_of_the_call():
    shared = templates()
    assert shared.expand("{{ now.Unix }} {{ since now }}", DATA, now=5.0) == "5 0s"
