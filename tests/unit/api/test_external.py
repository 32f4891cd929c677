"""Services of others, from what their probes recorded."""

import pytest

from services.api.alerts.view import AlertView
from services.api.overview.evaluated import Vector
from services.api.overview.external import external_services, unknown
from services.api.overview.state import OverviewState

NOW = 1_700_000_000.0


def vector(*samples):
    return Vector.model_validate(
        {"resultType": "vector", "result": [{"metric": labels, "value": [NOW, value]} for labels, value in samples]}
    )


def up(name, value):
    return {"__name__": "tocsin:external_up", "external": name}, value


def seconds(name, value):
    return {"__name__": "tocsin:external_seconds", "external": name}, value


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], []),
        ([up("Pay", "1"), seconds("Pay", "0.1234567")], [("Pay", "up", 0.123457)]),
        ([up("Pay", "0")], [("Pay", "down", None)]),
        ([up("Pay", "NaN"), seconds("Pay", "+Inf")], [("Pay", "unknown", None)]),
        ([seconds("Mail", "2"), up("Ads", "1")], [("Ads", "up", None), ("Mail", "unknown", 2.0)]),
        ([({"__name__": "tocsin:external_up"}, "1"), ({"__name__": "tocsin:other", "external": "X"}, "1")], []),
    ],
)
def test_each_name_has_a_state(samples, expected):
    assert [(one.name, one.status, one.seconds) for one in external_services(vector(*samples))] == expected


def test_nothing_is_known_of_them_while_the_evaluator_is_silent():
    state = OverviewState(AlertView(), stale_after=10, shown=())
    found = external_services(vector(up("Pay", "1"), seconds("Pay", "1")))
    state.take_values({}, NOW, found)
    assert state.health(NOW).external == list(found)
    assert state.health(NOW + 11).external == unknown(found)
    assert [(one.status, one.seconds) for one in unknown(found)] == [("unknown", None)]
    state.take_values({}, NOW + 12, ())
    assert state.health(NOW + 12).external == []
