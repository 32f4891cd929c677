"""What is written is read as it was."""

import pytest

from services.common.events import ActionEvent
from services.notifier.alerts import Acknowledgement, AlertRecord
from services.notifier.attempt import suppressed
from services.notifier.codec import decode, encode, with_views
from services.notifier.decisions import Reason
from services.notifier.gate import Decision
from services.notifier.grouping import Cause
from services.notifier.people.desk import Desk, Held
from services.notifier.people.policies import Escalation
from services.notifier.state import KINDS, State
from tests.unit.notifier.builders import START, apply, engine, event
from tests.unit.notifier.test_silences import request


def full() -> State:
    target = engine()
    target.silence(request(), START)
    apply(target, event("A", muted="cooldown"), event("B", host="x"), event("C"), now=START)
    apply(target, event("C", "resolved", sent_at=START + 1), now=START + 1)
    target.flush_due(START + 10)
    target.act(ActionEvent(action_id="1", kind="acknowledge", at=START, by="anna", alert_id=event("B").alert_id), START)
    target.state.put_desk(Desk(desk_id="contact:anna", release_at=START, sent=(START,), fresh=((START, 2),), number=1))
    held = Held(desk_id="contact:anna", event=event("B"), reason=Reason.QUIET_HOURS, since=START, until=START + 60)
    target.state.put_held(held)
    target.state.put_escalation(Escalation(group_id="g", policy="ops", step=1, next_at=START + 5, started_at=START))
    target.state.put_unconfirmed(next(iter(target.state.queue.entries.values())))
    return target.state


def test_every_kind_comes_back_as_it_was():
    state = full()
    for kind, model in KINDS.items():
        assert state.table(kind), kind
        for key, item in state.table(kind).items():
            read = decode(model, encode(item))
            if kind == "groups":
                views = {one: view for one in item.core.members if (view := state.view(one)) is not None}
                read = with_views(read, views)
            assert read == item, (kind, key)


def test_a_member_whose_alert_is_gone_goes_too():
    state = full()
    for group in state.groups.values():
        assert with_views(decode(type(group), encode(group)), {}).core.members == {}


def test_what_an_earlier_life_was_sending_waits_again():
    from services.notifier.outbox import claim

    state = full()
    (entry,) = state.queue.entries.values()
    again = State()
    again.absorb("outbox", [(entry.delivery_id, decode(type(entry), encode(claim(entry))))])
    assert not again.queue.entries[entry.delivery_id].sending


def test_the_forms_of_the_small_ones():
    ack = Acknowledgement(by="a", at=1.0, comment="c")
    assert decode(Acknowledgement, encode(ack)) == ack
    record = AlertRecord(event=event(), updated_at=1.0, origin="foreign", expired=True)
    assert decode(AlertRecord, encode(record)) == record
    decision = Decision(Reason.SILENCED, "x")
    one = suppressed(decision, alert_ids=("a",), group_key="g", receiver="r", cause=Cause.NEW, at=1.0)
    assert decode(type(one), encode(one)) == one
    assert str(decision) == "silenced: x"


@pytest.mark.parametrize("row", [b"[]", b"{", b'{"core": 1}', b'{"core": {"members": {"a": [1, 2, 3]}}}'])
def test_what_is_no_group_is_refused(row):
    with pytest.raises(ValueError):
        decode(KINDS["groups"], row)
