"""What people read: the mail's parts, links, threads, headers; and Alertmanager's data in templates."""

from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.alertmanager import GlobalConfig
from services.notifier.channels.base import DeliveryError, Message, Surroundings
from services.notifier.channels.email import EmailChannel, EmailConfig, parse_addresses
from services.notifier.channels.webhook import WebhookChannel, WebhookConfig
from services.notifier.data import alert_data, common, quote_meta, rfc3339
from services.notifier.grouping import Cause
from services.notifier.messages import Messages
from tests.unit.notifier.builders import START, event


def around(
    zone: str = "UTC", files: tuple[Path, ...] = (), external_url: str = "https://t.example.com"
) -> Surroundings:
    config = GlobalConfig(smtp_smarthost="mail:25", smtp_from="Tocsin <tocsin@example.com>")
    messages = Messages(files, external_url=external_url, zone=ZoneInfo(zone))
    return Surroundings(config, Path(), messages, ManualClock(), AsyncExitStack())


def message(*alerts, cause: Cause = Cause.NEW, status: str = "firing", **more) -> Message:
    given = {"delivery_id": "d2", "recipient": "a@example.com", "receiver": "ops", "group_key": "k", "thread": "d1"}
    return Message(
        **{**given, **more},
        status=status,
        cause=cause,
        group_labels={"alertname": "A"},
        alerts=alerts,
        created_at=START,
    )


def mail(*alerts, where: Surroundings | None = None, config: dict | None = None, **more):
    place = where or around()
    integration = EmailChannel().build(EmailConfig.model_validate({"to": "a@example.com", **(config or {})}), place)
    return integration.compose(message(*alerts, **more))


def body(found, kind: str = "plain") -> str:
    return found.get_body((kind,)).get_content()


FULL = {
    "summary": "Queue is long", "description": "45 pending (threshold: 20)", "action": "Add workers",
    "action_link": "/trends?a=1&b=2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("alerts", "cause", "expected"),
    [
        ([event(severity="critical")], Cause.NEW, "[CRITICAL] A is wrong"),
        ([event()], Cause.NEW, "[FIRING] A is wrong"),
        ([event(status="resolved", severity="critical")], Cause.RESOLVED, "[RESOLVED] A is wrong"),
        ([event(severity="info")], Cause.TEST, "[TEST] A is wrong"),
        ([event("A", annotations={"x": "y"})], Cause.NEW, "[FIRING] A"),
        (
            [
                event("A", "resolved", severity="critical"),
                event("B", severity="warning"),
                event("C", severity="critical"),
            ],
            Cause.CHANGED,
            "[CRITICAL] C is wrong (+2 more)",
        ),
    ],
)
def test_the_subject_names_what_matters_most(alerts, cause, expected):
    assert mail(*alerts, cause=cause)["Subject"] == expected


def test_the_text_says_what_where_since_when_and_what_to_do():
    text = body(
        mail(
            event(severity="critical", component="celery", instance="w:1", annotations=FULL),
            where=around("Europe/Berlin"),
        )
    )
    alert_id = event(severity="critical", component="celery", instance="w:1").alert_id
    assert text.splitlines()[:12] == [
        "critical: Queue is long",
        "45 pending (threshold: 20)",
        "",
        "Where: celery, w:1",
        "Since: 23:13:20 CET, Tue 14 Nov",
        "",
        "Do: Add workers",
        "https://t.example.com/trends?a=1&b=2",
        "",
        "Open and acknowledge:",
        f"https://t.example.com/alerts/{alert_id}#acknowledge",
        "",
    ]


def test_an_end_says_how_long_it_lasted_and_asks_for_nothing():
    text = body(mail(event(status="resolved", sent_at=START + 125, annotations=FULL), cause=Cause.RESOLVED))
    assert "Until: 22:15:25 UTC, Tue 14 Nov (2m5s)" in text
    assert "Do:" not in text
    assert "acknowledge" not in text


def test_a_repeat_says_that_it_is_one():
    found = mail(event(), cause=Cause.REPEAT)
    assert "Still firing" in body(found)
    assert "Still firing" in body(found, "html")


def test_a_flapping_alert_and_its_value_are_told():
    flapping = event().model_copy(update={"flapping": True, "value": 45.123456789})
    found = mail(flapping)
    assert "It flaps" in body(found)
    assert "Value: 45.1235" in body(found)
    assert "It flaps" in body(found, "html")


def test_nothing_from_outside_becomes_markup_or_a_script():
    evil = {
        "summary": "<script>alert(1)</script>",
        "action_link": "javascript:alert(1)",
        "description": '"><img src=x>',
    }
    html = body(mail(event(annotations=evil)), "html")
    assert "<script>" not in html
    assert "<img" not in html
    assert "javascript:" not in html
    assert "&lt;script&gt;" in html


def test_a_line_break_in_a_summary_makes_no_new_header():
    found = mail(event(annotations={"summary": "x\r\nBcc: evil@example.com"}))
    assert found["Subject"] == "[FIRING] x Bcc: evil@example.com"
    assert found["Bcc"] is None


def test_headers_that_machines_read():
    found = mail(event(severity="critical"))
    assert found["Message-ID"] == "<d2@example.com>"
    assert found["In-Reply-To"] == found["References"] == "<d1@example.com>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert found["Importance"] == "high"
    first = mail(event(), thread="d2")
    assert first["In-Reply-To"] is None
    assert first["Importance"] is None


def test_own_headers_and_texts_are_honoured():
    found = mail(
        event(team="db"),
        config={
            "headers": {
                "subject": "{{ .CommonLabels.team | toUpper }}",
                "x-team": "{{ .GroupLabels.alertname }}",
                "Message-Id": "no",
            },
            "text": "{{ range .Alerts.Firing }}{{ .Labels.alertname }}{{ end }} {{ .Receiver }}",
            "html": "",
        },
    )
    assert found["Subject"] == "DB"
    assert found["X-Team"] == "A"
    assert found["Message-ID"] == "<d2@example.com>"
    assert found.get_content_type() == "text/plain"
    assert body(found) == "A ops\n"


def test_html_alone():
    found = mail(event(), config={"text": "", "html": "<b>{{ .Status }}</b>"})
    assert found.get_content_type() == "text/html"
    assert "<b>firing</b>" in found.get_content()


async def test_a_template_that_fails_is_a_permanent_failure():
    integration = EmailChannel().build(EmailConfig(to="a@example.com", text="{{ .Missing.Field.Deep }}"), around())
    with pytest.raises(DeliveryError) as caught:
        await integration.send(message(event()))
    assert (caught.value.reason, caught.value.permanent) == ("template_failed", True)


def test_a_file_of_templates_may_replace_ours(tmp_path):
    path = tmp_path / "own.tmpl"
    path.write_text('{{ define "__subject" }}Own: {{ .Lead.Title }}{{ end }}', encoding="utf-8")
    assert mail(event(), where=around(files=(path,)))["Subject"] == "Own: A is wrong"
    with pytest.raises(ConfigError, match="can't be read"):
        around(files=(tmp_path / "none.tmpl",))


@pytest.mark.parametrize(
    ("base", "link", "expected"),
    [
        ("https://t.example.com/x/", "/trends", "https://t.example.com/x/trends"),
        ("https://t.example.com", "trends?a=1", "https://t.example.com/trends?a=1"),
        ("https://t.example.com", "https://wiki.example.com/y", "https://wiki.example.com/y"),
        ("https://t.example.com", "//other.example.com/y", "https://other.example.com/y"),
        ("https://t.example.com", "javascript:alert(1)", ""),
        ("https://t.example.com", "", ""),
    ],
)
def test_links(base, link, expected):
    found = alert_data(event(annotations={"action_link": link}), base)
    assert found.action_url == expected
    assert found.page_url == f"{base.rstrip('/')}/alerts/{event().alert_id}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.c", ("a@b.c",)),
        ("A <a@b.c>, d@e.f, a@b.c", ("a@b.c", "d@e.f")),
        ("a@b.c, nobody", ()),
        ("", ()),
    ],
)
def test_addresses(text, expected):
    assert parse_addresses(text) == expected


def payload(*alerts, **config):
    integration = WebhookChannel().build(
        WebhookConfig.model_validate({"url": "http://x/y?token=z", **config}), around()
    )
    return integration.payload(message(*alerts, receiver="web.hook"))


def test_a_webhooks_message_may_be_cut_short():
    found = payload(event("A", a="1"), event("B", a="1"), event("C", a="2"), max_alerts=2)
    assert [item["labels"]["alertname"] for item in found["alerts"]] == ["A", "B"]
    assert found["truncatedAlerts"] == 1
    assert found["commonLabels"] == {"a": "1"}
    assert found["receiver"] == "web\\.hook"
    assert payload(event())["truncatedAlerts"] == 0


def test_the_end_of_an_alert_in_a_webhook():
    found = payload(event(status="resolved", sent_at=START + 60.25))
    assert found["status"] == "resolved"
    assert found["alerts"][0]["endsAt"] == "2023-11-14T22:14:20.25Z"


def test_small_things():
    assert common([]) == {}
    assert common([{"a": "1", "b": "2"}, {"b": "2", "c": "3"}]) == {"b": "2"}
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1.0004) == "1970-01-01T00:00:01Z"
    assert rfc3339(1.120) == "1970-01-01T00:00:01.12Z"
    assert quote_meta("a.b-c(d)") == "a\\.b-c\\(d\\)"
