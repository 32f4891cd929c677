"""Which conditions a page of the record is read by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.alerts.model import HistoryQuery
from services.api.alerts.page import BadCursorError, conditions, cursor_of

_SPAN = "starts_at >= to_timestamp($1::float8) AND starts_at < to_timestamp($2::float8)"
_AFTER = "(starts_at, alert_id) < (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::text)"


@pytest.mark.parametrize(
    ("asked", "condition", "values"),
    [
        ({}, "true", []),
        ({"text": "  "}, "true", []),
        ({"name": "Slow"}, "name = $1", ["Slow"]),
        ({"severity": "critical", "status": "firing"}, "severity = $1 AND status = $2", ["critical", "firing"]),
        ({"text": " 100%_a\\b "}, "search_text LIKE lower($1)", ["%100\\%\\_a\\\\b%"]),
        ({"since": 5, "until": 9}, _SPAN, [5, 9]),
        (
            {"cursor": "1700000000000000_ab-1", "component": "redis"},
            f"{_AFTER} AND component = $3",
            [1_700_000_000_000_000, "ab-1", "redis"],
        ),
    ],
)  # fmt: skip
def test_only_what_is_asked_for_is_a_condition(asked, condition, values):
    assert conditions(HistoryQuery.model_validate(asked)) == (condition, values)


def test_values_never_stand_in_the_statement():
    attack = "1_x'; DROP TABLE alert_history --"
    every = dict.fromkeys(("category", "component", "name", "text", "cursor"), attack)
    condition, values = conditions(HistoryQuery.model_validate(every))
    assert "DROP" not in condition
    assert condition.count("$") == len(values) == 6  # a cursor is two


@pytest.mark.parametrize("cursor", ["", "_", "12", "12_", "x_y", "-1_y", "\u0661_y", f"{10**18}_y"])
def test_cursors_that_we_did_not_give_are_refused(cursor):
    with pytest.raises(BadCursorError):
        conditions(HistoryQuery(cursor=cursor))


@given(starts=st.integers(0, 10**17), alert_id=st.text(min_size=1, max_size=40))
def test_a_cursor_comes_back_as_it_was(starts, alert_id):
    cursor = cursor_of(starts / 1_000_000, alert_id)
    assert conditions(HistoryQuery(cursor=cursor))[1] == [round(starts / 1_000_000 * 1_000_000), alert_id]
