"""Short replies: which messages `ACK`, `ACK 2` and `DISMISS ALL` mean."""

import pytest

from services.common.testing.clock import ManualClock
from services.notifier.channels.base import Message
from services.notifier.channels.kit.inbound import CallRefusedError, acknowledgements
from services.notifier.channels.kit.memory import Memory
from services.notifier.channels.kit.tickets import Numbers, Tickets
from services.notifier.grouping import Cause
from tests.unit.notifier.builders import START, event

NUMBER = "+4915110"


def told(name: str, *, delivery: str = "", status: str = "firing", at: float = START) -> Message:
    return Message(
        delivery_id=delivery or name, recipient=NUMBER, receiver="ops", status=status, cause=Cause.NEW, group_key=name,
        group_labels={}, alerts=[event(name, status)], created_at=at, thread=f"thread-{name}",
    )  # fmt: skip


@pytest.fixture
def numbers() -> Numbers:
    return Numbers(Memory(ManualClock()), "twilio_sms")


async def heard(numbers: Numbers, text: str, at: float = START) -> list[str] | None:
    found = await numbers.hear(NUMBER, text, at)
    return None if found is None else [one["title"] for one in found.meant]


@pytest.mark.parametrize(
    "text", ["ACK", "ack", " Ack. ", "dismiss", "DISMISS!", "Acknowledge", "ACK 2", "ack2", "ACK #2", "dismiss 2."]
)
async def test_the_last_message_is_meant_or_the_one_that_is_named(numbers, text):
    assert await numbers.code(NUMBER, told("A"), "A") == 1
    assert await numbers.code(NUMBER, told("B"), "B") == 2
    assert await heard(numbers, text) == ["B"]


@pytest.mark.parametrize(("text", "meant"), [("ACK 1", ["A"]), ("ACK all", ["B", "A"]), ("ACK 7", [])])
async def test_others_are_meant_by_their_number(numbers, text, meant):
    await numbers.code(NUMBER, told("A"), "A")
    await numbers.code(NUMBER, told("B"), "B")
    assert await heard(numbers, text) == meant


@pytest.mark.parametrize("text", ["", "ok", "ACK please", "acknowledged", "back", "STOP", "1", "ACK 1234"])
async def test_what_is_no_acknowledgement(numbers, text):
    await numbers.code(NUMBER, told("A"), "A")
    assert await heard(numbers, text) is None


async def test_a_message_that_was_acknowledged_is_open_no_more(numbers):
    await numbers.code(NUMBER, told("A"), "A")
    assert await heard(numbers, "ACK") == ["A"]
    assert await heard(numbers, "ACK") == []
    assert await numbers.code(NUMBER, told("C"), "C") == 1


async def test_a_retry_has_the_same_code_and_a_repeat_takes_its_groups_place(numbers):
    assert await numbers.code(NUMBER, told("A"), "A") == 1
    assert await numbers.code(NUMBER, told("A"), "A") == 1
    await numbers.code(NUMBER, told("B"), "B")
    assert await numbers.code(NUMBER, told("A", delivery="A-2"), "A") == 1
    found = await numbers.hear(NUMBER, "ACK", START)
    assert [one["delivery"] for one in found.meant] == ["A-2"]
    assert [one["title"] for one in found.others] == ["B"]


async def test_what_has_resolved_is_not_open(numbers):
    await numbers.code(NUMBER, told("A"), "A")
    await numbers.code(NUMBER, told("A", delivery="A-2", status="resolved"), "A")
    assert await heard(numbers, "ACK") == []


async def test_after_a_day_a_reply_means_nothing(numbers):
    await numbers.code(NUMBER, told("A"), "A")
    assert await heard(numbers, "ACK", START + 86_400) == []


async def test_other_numbers_and_channels_have_their_own(numbers):
    await numbers.code(NUMBER, told("A"), "A")
    assert (await numbers.hear("+4915199", "ACK", START)).meant == []
    other = Numbers(numbers._memory, "twilio_whatsapp")
    assert (await other.hear(NUMBER, "ACK", START)).meant == []


async def test_tickets():
    tickets = Tickets(Memory(ManualClock()))
    message = told("A")
    assert await tickets.issue(message, text="x") == "A"
    assert await tickets.show("A") == {"alerts": [message.alerts[0].alert_id], "text": "x"}
    for ticket in ("B", "", "../A", "A" * 65):
        with pytest.raises(CallRefusedError, match="unknown_message"):
            await tickets.show(ticket)


def test_the_same_call_gives_the_same_actions():
    one, two = acknowledgements(["a", "b"], by="anna", channel="Slack", call_id="c", at=1.0)
    again, _ = acknowledgements(["a", "b"], by="anna", channel="Slack", call_id="c", at=2.0)
    assert one.action_id == again.action_id != two.action_id
    assert (one.kind, one.by, one.comment, one.alert_id) == ("acknowledge", "anna", "by Slack", "a")
