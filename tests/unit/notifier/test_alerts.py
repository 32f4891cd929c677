import pytest

from services.notifier.alerts import AlertRecord, end, is_lapsed, merge
from tests.unit.notifier.builders import START, event


def record(**more) -> AlertRecord:
    origin = more.pop("origin", "tocsin")
    return AlertRecord(event=event(**more), origin=origin, updated_at=START)


def take(latest, *args, now=START + 10, origin="tocsin", **more):
    return merge(latest, event(*args, **more), now, origin=origin)


def test_a_first_firing_is_kept_and_a_first_end_is_not():
    assert take(None).record.firing
    assert take(None, "A", "resolved") == (None, None)


def test_what_is_known_already_says_nothing():
    known = record()
    assert take(known) == (None, None)
    assert take(known, sent_at=START - 1) == (None, None)
    assert take(known, sent_at=START + 1).record.event.sent_at == START + 1


def test_an_end_is_final_for_its_episode():
    known = record(status="resolved", sent_at=START + 5)
    assert take(known, sent_at=START + 9) == (None, None)
    assert take(known, "A", "resolved", sent_at=START + 9) == (None, None)


def test_an_end_counts_even_when_it_was_sent_before_the_last_firing_was():
    assert not take(record(sent_at=START + 9), "A", "resolved", sent_at=START + 8).record.firing


def test_a_newer_episode_ends_the_older_one():
    merged = take(record(), starts_at=START + 60)
    assert merged.record.event.starts_at == START + 60
    assert not merged.ended.firing
    assert merged.ended.event.ends_at == START + 60
    assert take(record(status="resolved"), starts_at=START + 60).ended is None


def test_an_older_episode_says_nothing():
    assert take(record(starts_at=START + 60), sent_at=START + 100) == (None, None)


def test_a_lapsed_episode_that_is_heard_of_again_goes_on():
    known = end(record(), START + 240, START + 250, expired=True)
    assert take(known, sent_at=START) == (None, None)
    assert take(known, sent_at=START + 300).record.firing


def test_a_newer_episode_that_is_over_already_is_kept():
    # Its firing was missed; the older one must still be told its end.
    merged = take(record(), "A", "resolved", starts_at=START + 60)
    assert not merged.record.firing
    assert merged.ended is not None


@pytest.mark.parametrize(
    ("origin", "group", "now", "heard_since", "expected"),
    [
        ("foreign", "g", START + 239, None, False),
        ("foreign", "g", START + 240, None, True),
        ("tocsin", "g", START + 999, None, False),  # a dead evaluator is no recovery
        ("tocsin", "g", START + 999, START + 900, False),  # it has not been back for long enough to say it
        ("tocsin", "g", START + 1200, START + 900, True),
        ("tocsin", "tocsin-notifier", START + 9999, START, False),
    ],
)
def test_lapsing(origin, group, now, heard_since, expected):
    known = AlertRecord(event=event(group=group), origin=origin, updated_at=START)
    assert is_lapsed(known, now, heard_since=heard_since) is expected


def test_what_is_over_does_not_lapse():
    assert not is_lapsed(record(status="resolved", origin="foreign"), START + 9999, heard_since=START)


def test_the_rules_cooldown_and_cap_hold_repeats_back():
    assert record().view("a", acknowledged=False).min_repeat == 0
    assert record(cooldown=60.0, cap=4).view("a", acknowledged=False).min_repeat == 900
    assert record(cooldown=1000.0, cap=4).view("a", acknowledged=False).min_repeat == 1000
    view = record(muted="cooldown").view("a", acknowledged=True)
    assert (view.muted, view.acknowledged) == (True, True)
