"""The product's message texts, to the letter."""

import pytest

from services.notifier.channels.base import DeliveryError
from services.notifier.channels.kit.segments import fit, segments
from services.notifier.channels.kit.texts import Text, acknowledged_by, cut
from services.notifier.grouping import Cause
from tests.unit.notifier.builders import event
from tests.unit.notifier.test_messages import around, message

ANNOTATIONS = {
    "summary": "High Celery Queue Backlog",
    "description": "45 tasks pending (threshold: 20)\nAvg wait: 3.5 minutes",
    "action": "Scale up Celery workers",
    "action_link": "/celery",
}


def alert(status: str = "firing", severity: str = "critical", expr: str = "celery_queue_length > 20", **more):
    given = event("CeleryQueueBacklog", status, severity=severity, annotations={**ANNOTATIONS, **more})
    return given.model_copy(update={"rule": given.rule.model_copy(update={"expr": expr})})


def text(template: str, *alerts, **more) -> str:
    place = around(external_url="https://admin.example.com")
    told = message(*alerts, **more)
    return Text(place.messages, place.clock, told)(f'{{{{ template "{template}" . }}}}')


def test_whatsapp():
    assert text("whatsapp.default.text", alert()) == (
        "🔴 CRITICAL ALERT\n"
        "High Celery Queue Backlog\n"
        "45 tasks pending (threshold: 20)\n"
        "Avg wait: 3.5 minutes\n"
        "Action: Scale up Celery workers\n"
        "View: https://admin.example.com/celery"
    )


def test_sms():
    found = text("sms.default.text", alert())
    assert found == ("[CRITICAL] High Celery Queue Backlog\n45 tasks pending (>20).\nView: admin.example.com/celery")
    assert segments(found) == 1
    assert fit(found, 1) == found


@pytest.mark.parametrize(
    ("expr", "description", "expected"),
    [
        ("x > 20", "45 pending (threshold: 20)", "45 pending (>20)."),
        ("tocsin:redis_hit_ratio < 0.9", "80 % (threshold: 90 %)", "80 % (<90 %)."),
        ("(a / b) >= bool 1e3", "y (Threshold: 1000)!", "y (>=1000)!"),
        ("a > b", "45 pending (threshold: 20)", "45 pending (threshold: 20)."),
        ("absent(up)", "Nothing is heard.", "Nothing is heard."),
    ],
)
def test_the_comparison_is_the_rules(expr, description, expected):
    lines = text("sms.default.text", alert(expr=expr, description=description)).split("\n")
    assert lines[1] == expected


def test_an_alert_without_description_action_or_link():
    bare = event("A", severity="warning", annotations={"x": "y"})
    assert text("sms.default.text", bare).startswith("[WARNING] A\nView: admin.example.com/alerts/")
    assert text("whatsapp.default.text", bare).startswith(
        "🟠 WARNING ALERT\nA\nView: https://admin.example.com/alerts/"
    )


def test_several_alerts_and_ends():
    assert "High Celery Queue Backlog (+1 more)\n" in text("sms.default.text", alert(), event("B"))
    over = alert("resolved").model_copy(update={"ends_at": alert().starts_at + 300})
    assert text("sms.default.text", over, status="resolved", cause=Cause.RESOLVED) == (
        "[RESOLVED] High Celery Queue Backlog\nOver after 5m.\nView: admin.example.com/celery"
    )
    assert text("whatsapp.default.text", over, status="resolved", cause=Cause.RESOLVED).startswith("✅ RESOLVED\n")


@pytest.mark.parametrize(
    ("severity", "cause", "said"),
    [
        ("critical", Cause.NEW, "Critical alert: High Celery Queue Backlog. 45 tasks pending (>20). "),
        ("info", Cause.TEST, "Test call: High Celery Queue Backlog. 45 tasks pending (>20). "),
    ],
)
def test_what_is_said_on_the_phone(severity, cause, said):
    assert text("voice.default.text", alert(severity=severity), cause=cause) == said


def test_slack_gets_its_three_signs_escaped():
    found = text("slack.default.text", alert(summary="a < b & <!channel>", action="<x>"))
    assert "*a &lt; b &amp; &lt;!channel&gt;*" in found
    assert "*Do:* &lt;x&gt;" in found
    assert "<https://admin.example.com/celery|Where to look>" in found


def test_who_has_acknowledged():
    one, two = alert(), event("B")
    acks = {one.alert_id: "anna", two.alert_id: "ben"}
    assert acknowledged_by(message(one, two, acknowledged=acks)) == "anna, ben"
    assert acknowledged_by(message(one, two, acknowledged={one.alert_id: "anna"})) == ""
    assert acknowledged_by(message(one, acknowledged={one.alert_id: "anna"})) == "anna"
    assert acknowledged_by(message(alert("resolved"), acknowledged=acks, status="resolved")) == ""


def test_texts_that_fail_and_texts_that_are_cut():
    place = around()
    with pytest.raises(DeliveryError) as caught:
        Text(place.messages, place.clock, message(alert()))("{{ index .GroupLabels 1 2 }}")
    assert (caught.value.reason, caught.value.permanent) == ("template_failed", True)
    assert (cut("abcd", 4), cut("abcde", 4)) == ("abcd", "abc…")


WHY = {
    Cause.REPEAT: ("Still firing, and nobody has acknowledged it.", "Still firing, not acknowledged."),
    Cause.REMINDER: (
        "Still firing, and its acknowledgement has run out: nobody has it in hand.",
        "Reminder: its acknowledgement has run out.",
    ),
    Cause.ESCALATED: (
        "It comes to you because nobody has acknowledged it yet.", "Escalated: nobody has acknowledged it."
    ),
    Cause.DIGEST: (
        "Held back or bundled for you until now: 1 still firing, 1 resolved meanwhile.",
        "Digest: 1 firing, 1 resolved.",
    ),
}  # fmt: skip
LONG = (
    "slack.default.text", "telegram.default.message", "msteams.default.text", "msteamsv2.default.text",
    "discord.default.message", "opsgenie.default.description",
)  # fmt: skip
SHORT = ("sms.default.text", "whatsapp.default.text", "voice.default.text")


@pytest.mark.parametrize("cause", Cause)
def test_each_channel_says_why_a_message_comes_that_tells_of_nothing_new(cause):
    alerts = [alert(), alert("resolved")]
    said = {name: text(name, *alerts, cause=cause) for name in (*LONG, *SHORT, "email.default.text")}
    long, short = WHY.get(cause, ("", ""))
    for name in (*LONG, "email.default.text"):
        for other, (words, _) in WHY.items():
            assert (words in said[name]) is (other is cause), name
    for name in SHORT:
        assert [words for _, words in WHY.values() if words in said[name]] == [short] * bool(long), name


def test_a_text_message_says_why_on_its_second_line():
    assert text("sms.default.text", alert(), cause=Cause.ESCALATED) == (
        "[CRITICAL] High Celery Queue Backlog\nEscalated: nobody has acknowledged it.\n"
        "45 tasks pending (>20).\nView: admin.example.com/celery"
    )
    assert text("voice.default.text", alert(), cause=Cause.REMINDER).startswith(
        "Critical alert: High Celery Queue Backlog. Reminder: its acknowledgement has run out. 45 tasks pending (>20)."
    )
