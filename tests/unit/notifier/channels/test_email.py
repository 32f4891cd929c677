"""Alertmanager's keys of mails that `test_messages` does not look at."""

import pytest

from services.notifier.alertmanager import GlobalConfig
from services.notifier.channels.email import EmailConfig, _implicit_tls
from services.notifier.channels.smtp import SmtpServer
from tests.unit.notifier.builders import event
from tests.unit.notifier.test_messages import around, mail


@pytest.mark.parametrize(
    ("own", "common", "expected"),
    [
        ({}, None, None), ({}, True, True), ({}, False, False), ({"implicit_tls": True}, False, True),
        ({"force_implicit_tls": False}, True, False), ({"force_implicit_tls": True}, None, True),
    ],
)  # fmt: skip
def test_implicit_tls(own, common, expected):
    place = around()
    place = type(place)(
        GlobalConfig(smtp_force_implicit_tls=common), place.base, place.messages, place.clock, place.stack
    )
    assert _implicit_tls(EmailConfig.model_validate({"to": "a@example.com", **own}), place) is expected
    assert SmtpServer("h", 465, "", None, require_tls=True).implicit_tls is None


def test_threads():
    first, second = mail(event(), delivery_id="d1"), mail(event())
    assert first["References"] is None
    assert second["References"] == second["In-Reply-To"] == "<d1@example.com>"
    assert mail(event(), config={"threading": {"enabled": False}})["References"] is None
    daily = {"threading": {"enabled": True, "thread_by_date": "daily"}}
    one, two = mail(event(), config=daily, delivery_id="d1"), mail(event(), config=daily, thread="d7")
    assert one["References"] == two["References"] is not None
    assert mail(event(), config=daily, group_key="else")["References"] != one["References"]
    given = mail(event(), config={"headers": {"References": "<mine@x>"}})
    assert (given["References"], given["In-Reply-To"]) == ("<mine@x>", None)
