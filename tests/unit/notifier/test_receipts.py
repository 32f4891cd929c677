"""A provider's late word: what failed after it was taken goes by the contact's next channel."""

import pytest

from services.common.events import ActionEvent
from services.notifier.channels.kit.inbound import Receipt
from services.notifier.receipts import KEEP, forget_late, is_personal, take_receipt
from services.notifier.state import KINDS, State
from tests.unit.notifier.builders import apply, event
from tests.unit.notifier.people.builders import at, contact, directory, people_engine, sent, way

NOON = at("2026-03-02T12:00")
ANNA = ({"contact": "anna"},)
WAYS = (way("sms", to="anna-phone"), way("voice", to="anna-phone"), way("email", to="anna@x"))


def begun(*, status: str = "firing"):
    """An engine, the message that the provider took, and what its receipt will be about."""
    engine = people_engine(directory(contact("anna", *WAYS), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    if status == "resolved":
        sent(engine)
        apply(engine, event(status=status, starts_at=NOON, sent_at=NOON + 30), now=NOON + 30)
        engine.flush_due(NOON + 60)
    (entry,) = engine.state.queue.entries.values()
    return engine, entry


def accepted(engine, entry) -> None:
    engine.state.drop_entry(entry.delivery_id)
    engine.state.put_unconfirmed(entry)


def about(entry) -> dict:
    return {
        "delivery_id": entry.delivery_id, "alert_ids": list(entry.alert_ids), "status": entry.status,
        "cause": entry.cause.value, "group_key": entry.group_key, "receiver": entry.receiver,
        "channel": entry.channel, "recipient": entry.recipient,
    }  # fmt: skip


def says(status: str, *, failed: bool = True) -> Receipt:
    return Receipt("SM1", status, failed=failed, detail="error 30003" if failed else "")


def rows(engine) -> list[tuple[str, str, str]]:
    return [(one.result.value, one.reason, one.channel) for one in engine.state.attempts.values()]


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_what_was_not_delivered_after_all_goes_by_the_next_channel(status):
    engine, entry = begun(status=status)
    accepted(engine, entry)
    moved = take_receipt(engine, about(entry), says("undelivered"), NOON + 90)
    assert (moved.channel, moved.recipient, moved.status, moved.attempts) == ("voice", "anna-phone", status, 0)
    assert rows(engine)[-2:] == [
        ("permanent_failure", "provider_undelivered", "sms"),
        ("noted", "fell_over", "sms"),
    ]
    accepted(engine, moved)
    last = take_receipt(engine, about(moved), says("no-answer"), NOON + 150)
    assert last.channel == "email"
    accepted(engine, last)
    assert take_receipt(engine, about(last), says("failed"), NOON + 160) is None
    assert engine.state.unconfirmed == {}
    assert not engine.state.queue


def test_a_receipt_that_comes_twice_or_before_our_own_record_tells_once():
    engine, entry = begun()
    first = take_receipt(engine, about(entry), says("failed"), NOON + 1)  # the attempt is not settled yet
    assert first.channel == "voice"
    accepted(engine, entry)  # now it is
    again = take_receipt(engine, about(entry), says("failed"), NOON + 2)
    assert again.delivery_id == first.delivery_id
    assert [one.channel for one in engine.state.queue.entries.values()] == ["voice"]
    count = len(engine.state.attempts)
    assert take_receipt(engine, about(entry), says("failed"), NOON + 3) is None
    assert len(engine.state.attempts) == count


def test_good_news_end_the_wait():
    engine, entry = begun()
    accepted(engine, entry)
    assert take_receipt(engine, about(entry), says("delivered", failed=False), NOON + 9) is None
    assert rows(engine) == [("receipt", "provider_delivered", "sms")]
    assert engine.state.unconfirmed == {}


def test_nobody_is_woken_for_what_somebody_has_taken_on_or_is_over():
    engine, entry = begun()
    accepted(engine, entry)
    alert_id = entry.alert_ids[0]
    engine.act(ActionEvent(action_id="1", kind="acknowledge", at=NOON + 5, by="bert", alert_id=alert_id), NOON + 5)
    assert take_receipt(engine, about(entry), says("undelivered"), NOON + 9) is None
    engine, entry = begun()
    accepted(engine, entry)
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 5), now=NOON + 5)
    assert take_receipt(engine, about(entry), says("undelivered"), NOON + 9) is None


def test_a_receivers_own_channel_has_no_next_one():
    engine = people_engine(directory(), others=True)
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    (entry,) = engine.state.queue.entries.values()
    assert not is_personal(entry)
    assert take_receipt(engine, about(entry), says("failed"), NOON + 1) is None
    assert rows(engine) == [("permanent_failure", "provider_failed", "webhook")]


def test_what_waits_for_a_receipt_outlives_the_process_and_is_forgotten_in_time():
    engine, entry = begun()
    accepted(engine, entry)
    later = State()
    for kind in KINDS:
        later.absorb(kind, engine.state.table(kind).items())
    assert later.unconfirmed == {entry.delivery_id: entry}
    assert not later.queue
    forget_late(later, NOON + KEEP - 1)
    assert later.unconfirmed
    forget_late(later, NOON + KEEP)
    assert later.unconfirmed == {}
