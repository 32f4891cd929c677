"""Models made without checks are as any others."""

import pytest

from services.common.events import AlertEvent, RuleRef
from services.notifier.alerts import AlertRecord
from services.notifier.shared_models import constructed
from tests.unit.notifier.builders import START, event

RULE = RuleRef(name="A")
GIVEN = {
    "fingerprint": "0123456789abcdef", "status": event().status, "labels": {"alertname": "A"}, "active_at": START,
    "starts_at": START, "sent_at": START, "rule": RULE, "annotations": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "given"),
    [(AlertEvent, GIVEN), (AlertRecord, {"event": event(), "updated_at": START, "origin": "foreign"})],
)
def test_it_is_what_a_checked_one_would_be(model, given):
    made, checked = constructed(model, **given), model(**given)
    assert made == checked
    assert made.model_dump_json() == checked.model_dump_json()
    assert made.model_fields_set == checked.model_fields_set
    assert list(made.__dict__) == list(checked.__dict__)


def test_a_changed_copy_leaves_the_others_alone():
    first, second = constructed(AlertEvent, **GIVEN), constructed(AlertEvent, **GIVEN)
    changed = first.model_copy(update={"flapping": True})
    assert (changed.flapping, first.flapping, second.flapping) == (True, False, False)
    assert "flapping" not in second.model_fields_set
    assert first == second != changed
