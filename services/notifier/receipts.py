"""What follows from a provider's late word about a message that it had taken. Only inside a step. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.notifier.channels.kit.inbound import Receipt
from services.notifier.channels.kit.receipts import as_attempt
from services.notifier.engine import Engine
from services.notifier.outbox import Entry
from services.notifier.people.directory import CONTACT
from services.notifier.state import State

KEEP = 36_000.0
"""So many seconds a provider's word is waited for: Twilio gives a message up after ten hours at most."""


def is_personal(entry: Entry) -> bool:
    """Tell whether the message has other ways: it is a contact's, and no test."""
    return entry.receiver.startswith(f"{CONTACT}:") and entry.status != "test"


def take_receipt(engine: Engine, told: Mapping[str, Any], receipt: Receipt, now: float) -> Entry | None:
    """Record the receipt; return the message as it goes by the contact's next channel where this one failed."""
    state = engine.state
    state.put_attempt(as_attempt(told, receipt, now))
    delivery_id = str(told["delivery_id"])
    # The receipt may be here before our own record that the provider took the message.
    entry = state.unconfirmed.get(delivery_id) or state.queue.entries.get(delivery_id)
    state.drop_unconfirmed(delivery_id)
    if not receipt.failed or entry is None or not is_personal(entry) or not _matters(state, entry):
        return None
    moved = engine.posting.reception.next_way(entry, permanent=True, now=now)
    if moved is not None:
        engine.posting.put(moved, now)
    return moved


def _matters(state: State, entry: Entry) -> bool:
    """Tell whether somebody must still hear it: an end, or something that fires and nobody has taken on."""
    if entry.status != "firing":
        return True
    for alert_id in entry.alert_ids:
        record, ack = state.alerts.get(alert_id), state.acks.get(alert_id)
        if record is not None and record.firing and not (ack is not None and ack.active):
            return True
    return False


def forget_late(state: State, now: float) -> None:
    """Forget messages of which the provider will say nothing more."""
    for delivery_id, entry in list(state.unconfirmed.items()):
        if now - entry.created_at >= KEEP:
            state.drop_unconfirmed(delivery_id)
