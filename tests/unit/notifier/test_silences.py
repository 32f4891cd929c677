import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.events import ActionEvent, SilenceMatcher, SilenceRequest
from services.notifier.engine import Limits
from services.notifier.routing import RouteSpec
from services.notifier.silences import SilenceError, UnknownSilenceError, expire, write
from tests.unit.notifier.builders import START, apply, engine, event, told

SPEC = RouteSpec(receiver="r", group_by=("alertname",), wait=0, interval=60, repeat=3600)


def request(*matchers: SilenceMatcher, start: float = START, end: float = START + 600, comment: str = "c"):
    given_matchers = matchers or (SilenceMatcher(name="alertname", value="A"),)
    return SilenceRequest(matchers=given_matchers, starts_at=start, ends_at=end, created_by="anna", comment=comment)


def regex(name: str, value: str, *, equal: bool = True) -> SilenceMatcher:
    return SilenceMatcher(name=name, value=value, is_regex=True, is_equal=equal)


def test_a_life():
    silence = write(request(start=START + 10), None, START).silence
    states = [silence.state(START + at) for at in (0, 10, 599, 600)]
    assert states == ["pending", "active", "active", "expired"]
    early = write(request(start=START - 100), None, START).silence
    assert early.starts_at == START  # what is past can't be silenced


def test_matchers_of_every_kind():
    silence = write(
        request(
            SilenceMatcher(name="a", value="1"),
            SilenceMatcher(name="b", value="1", is_equal=False),
            regex("c", "x|y"),
            regex("d", "z.*", equal=False),
        ),
        None,
        START,
    ).silence
    assert silence.covers({"a": "1", "c": "x"})
    for wrong in (
        {"a": "2", "c": "x"},
        {"a": "1", "b": "1", "c": "x"},
        {"a": "1", "c": "xy"},
        {"a": "1", "c": "x", "d": "zz"},
    ):
        assert not silence.covers(wrong)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (request(end=START), "before end"),
        (request(start=START - 20, end=START - 10), "in the past"),
        (request(regex("x", ".*")), "silence everything"),
        (request(SilenceMatcher(name="x", value="1", is_equal=False)), "silence everything"),
        (request(regex("x", "(")), "not a regular expression"),
        (request(comment="x" * 5000), "at most 4096"),
        (request(*[SilenceMatcher(name=f"l{n}", value="1") for n in range(65)]), "at most 64"),
    ],
)
def test_what_is_refused(bad, says):
    with pytest.raises(SilenceError, match=says):
        write(bad, None, START)


def test_a_change_of_end_and_comment_keeps_the_id():
    known = write(request(), None, START).silence
    written = write(request(end=START + 900, comment="longer"), known, START + 60)
    assert written.ended is None
    assert (written.silence.silence_id, written.silence.starts_at) == (known.silence_id, START)
    assert (written.silence.ends_at, written.silence.comment) == (START + 900, "longer")


@pytest.mark.parametrize(
    "other",
    [
        request(SilenceMatcher(name="alertname", value="B"), end=START + 900),
        request(start=START + 100, end=START + 900),
    ],
)
def test_another_cover_or_beginning_is_another_silence(other):
    known = write(request(), None, START).silence
    written = write(other, known, START + 60)
    assert written.silence.silence_id != known.silence_id
    assert written.ended is not None
    assert (written.ended.silence_id, written.ended.ends_at) == (known.silence_id, START + 60)


def test_a_silence_that_is_over_comes_back_as_a_new_one():
    known = expire(write(request(), None, START).silence, START + 5)
    written = write(request(start=START + 10, end=START + 900), known, START + 10)
    assert written.ended is None
    assert written.silence.silence_id != known.silence_id


def test_one_that_has_not_begun_may_begin_at_another_time():
    known = write(request(start=START + 100), None, START).silence
    written = write(request(start=START + 50), known, START)
    assert (written.silence.silence_id, written.silence.starts_at) == (known.silence_id, START + 50)
    gone = expire(known, START + 10)
    assert (gone.starts_at, gone.ends_at) == (START + 10, START + 10)
    assert gone.state(START + 10) == "expired"


def test_nobody_is_told_of_what_is_silenced_until_it_is_over():
    target = engine(SPEC)
    silence_id = target.silence(request(), START)
    apply(target, event("A"), event("B"), now=START)
    target.flush_due(START)
    assert told(target) == [("new", "firing", ("B:firing",))]
    (held,) = target.state.attempts.values()
    assert (held.result.value, held.reason, held.receiver) == ("suppressed", "silenced", "r")
    assert silence_id in held.detail
    target.flush_due(START + 60)
    assert len(target.state.attempts) == 1  # only a change is recorded
    target.flush_due(START + 660)
    assert told(target)[-1] == ("new", "firing", ("A:firing",))


def test_who_was_told_is_told_the_end_under_a_silence():
    target = engine(SPEC)
    apply(target, event("A"), now=START)
    target.flush_due(START)
    target.silence(request(end=START + 90_000), START + 1)
    target.flush_due(START + 7200)
    assert [line[0] for line in told(target)] == ["new"]  # no repeat
    assert [one.cause.value for one in target.state.attempts.values()] == ["repeat"]
    apply(target, event("A", "resolved", sent_at=START + 7300), now=START + 7300)
    target.flush_due(START + 7400)
    assert told(target)[-1] == ("resolved", "resolved", ("A:resolved",))


def test_who_was_never_told_hears_of_no_end():
    target = engine(SPEC)
    target.silence(request(), START)
    apply(target, event("A"), now=START)
    target.flush_due(START)
    apply(target, event("A", "resolved", sent_at=START + 10), now=START + 10)
    target.flush_due(START + 60)
    assert told(target) == []
    assert not target.state.groups


def test_the_limit_and_the_end_of_memory():
    target = engine(SPEC, limits=Limits(max_silences=1, silence_retention=100))
    silence_id = target.silence(request(), START)
    with pytest.raises(SilenceError, match="1 silences already"):
        target.silence(request(), START)
    target.silence(request(end=START + 50), START, known=target.state.silences[silence_id])
    target.sweep(START + 149, heard_since=None)
    assert target.state.silences
    target.sweep(START + 150, heard_since=None)
    assert not target.state.silences
    with pytest.raises(UnknownSilenceError):
        target.expire_silence(silence_id, START)


def act(target, kind: str, at: float, **more) -> str:
    return target.act(ActionEvent(action_id=f"{kind}{at}", kind=kind, at=at, by="anna", silence_id="s-1", **more), at)


def test_silences_by_action():
    target = engine(SPEC)
    assert act(target, "silence", START, silence=request()) == ""
    assert target.state.silences["s-1"].created_by == "anna"
    assert act(target, "silence", START + 1, silence=request(end=START + 999)) == ""
    assert act(target, "silence", START, silence=request()) == ""  # read twice: nothing changes
    assert target.state.silences["s-1"].ends_at == START + 999
    assert act(target, "expire_silence", START + 5) == ""
    assert target.state.silences["s-1"].state(START + 5) == "expired"
    assert act(target, "silence", START + 6) == "invalid_silence"
    assert act(target, "silence", START + 7, silence=request(end=START)) == "invalid_silence"
    target.state.drop_silence("s-1")
    assert act(target, "expire_silence", START + 8) == "unknown_silence"


@given(st.lists(st.tuples(st.sampled_from(["alert", "silence", "expire", "resolve", "flush"]), st.integers(1, 90))))
def test_whatever_happens_each_end_follows_its_beginning(history):
    target = engine(SPEC)
    now, silence_id = START, ""
    for what, later in history:
        now += later
        match what:
            case "alert":
                apply(target, event("A", starts_at=START, sent_at=now), now=now)
            case "resolve":
                apply(target, event("A", "resolved", starts_at=START, sent_at=now), now=now)
            case "silence":
                silence_id = target.silence(request(start=now, end=now + 100), now)
            case "expire" if silence_id:
                target.expire_silence(silence_id, now)
        target.flush_due(now)
    apply(target, event("A", starts_at=START, sent_at=now), now=now)
    apply(target, event("A", "resolved", starts_at=START, sent_at=now + 1), now=now + 1)
    target.flush_due(now + 10_000)
    records = list(target.state.queue.entries.values())
    gone = [one for one in target.state.attempts.values() if one.reason == "superseded"]
    if records or gone:
        assert records[-1].status == "resolved"
    assert not target.state.groups
