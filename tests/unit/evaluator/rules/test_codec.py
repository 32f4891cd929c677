import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.events import Muted
from services.evaluator.rules.codec import StateError, decode, encode
from services.evaluator.rules.limits import History
from services.evaluator.rules.state import ActiveAlert, AlertState, RuleState

TIMES = st.floats(0, 4e9)
MAYBE = st.none() | TIMES
LABELS = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
ALERTS = st.builds(
    ActiveAlert, LABELS, LABELS, LABELS,
    st.floats(allow_nan=False), st.sampled_from(AlertState), TIMES, MAYBE, MAYBE, MAYBE,
    MAYBE, st.sampled_from(Muted), MAYBE, st.booleans(),
)  # fmt: skip
HISTORIES = st.builds(History, st.lists(TIMES, max_size=3).map(tuple), st.lists(TIMES, max_size=3).map(tuple))


@given(
    st.builds(
        RuleState,
        st.dictionaries(st.text(max_size=4), ALERTS, max_size=3),
        st.dictionaries(st.text(max_size=4), HISTORIES),
    )
)
def test_what_is_written_is_read(state):
    assert decode(encode(state)) == state


def test_values_that_json_can_not_hold():
    for value in (math.nan, math.inf, -math.inf):
        alert = ActiveAlert({}, {}, {}, value, AlertState.FIRING, 1.0)
        assert repr(decode(encode(RuleState({"a": alert}))).active["a"].value) == repr(value)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "active": {"a": {}}, "history": {}}']
)
def test_what_can_not_be_read_is_refused(data):
    with pytest.raises(StateError):
        decode(data)
