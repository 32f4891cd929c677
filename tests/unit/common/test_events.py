import pytest
from pydantic import ValidationError

from services.common.events import ActionEvent, AlertEvent, Muted, RuleRef, alert_id

EVENT = AlertEvent(
    fingerprint="00000000000000ff",
    status="firing",
    labels={"alertname": "A"},
    active_at=1.0,
    starts_at=1.5,
    sent_at=2.0,
    rule=RuleRef(name="A"),
)


def test_an_event_is_read_back_as_it_was_written():
    assert AlertEvent.model_validate_json(EVENT.encode()) == EVENT
    assert EVENT.muted is Muted.NO


def test_the_id_names_the_episode():
    assert EVENT.alert_id == alert_id("00000000000000ff", 1.5) == "00000000000000ff-1500"


def test_fields_of_a_newer_version_are_ignored():
    assert AlertEvent.model_validate({**EVENT.model_dump(), "schema_version": 2, "novelty": 1}).schema_version == 2


@pytest.mark.parametrize("bad", [{"fingerprint": "xyz"}, {"status": "pending"}, {"starts_at": None}])
def test_broken_events_are_refused(bad):
    with pytest.raises(ValidationError):
        AlertEvent.model_validate({**EVENT.model_dump(), **bad})


def test_actions_have_known_kinds():
    with pytest.raises(ValidationError):
        ActionEvent(action_id="1", kind="explode", at=1, by="a")
