"""The busiest by name, the rest as one: its counters go on whoever is shown."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.postgres.others import Others, best_of

STEPS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 1000), min_size=6, max_size=6),
        st.one_of(st.none(), st.permutations(range(6))),
    ),
    min_size=1,
    max_size=20,
)


@given(STEPS, st.integers(0, 6))
def test_other_grows_by_what_the_unseen_ones_have_done_and_never_falls(
    steps: list[tuple[list[int], list[int] | None]], most: int
) -> None:
    others: Others[int] = Others()
    totals = [0.0] * 6
    before: float | None = None
    for added, order in steps:
        hidden = set(range(6)) - set(others.shown)
        totals = [total + more for total, more in zip(totals, added, strict=True)]
        best = None if order is None else list(order)[:most]
        asked = others.asked(best)
        values = {key: [totals[key]] for key in asked}
        rest = sum(total for key, total in enumerate(totals) if key not in asked)
        shown, (other,) = others.take(values, [rest], best, most, 0.0)
        assert len(shown) <= most
        if before is not None and others.shown is not None:
            grown = sum(added[key] for key in hidden)
            # The first choice has no one to follow on: what is shown then was counted into `other` till now.
            if hidden != set(range(6)):
                assert other - before == grown
        before = other


def test_new_ones_are_looked_for_while_there_is_room_and_every_five_minutes() -> None:
    others: Others[str] = Others()
    assert others.due(0.0)
    others.take({"a": [1.0]}, [0.0], ["a"], 2, 0.0)
    assert others.due(15.0), "one of two is shown"
    others.take({"a": [1.0], "b": [1.0]}, [0.0], ["a", "b"], 2, 15.0)
    assert not others.due(30.0)
    assert others.due(315.0)


def test_one_that_is_gone_is_no_longer_shown() -> None:
    others: Others[str] = Others()
    others.take({"a": [5.0], "b": [3.0]}, [10.0], ["a", "b"], 2, 0.0)
    shown, rest = others.take({"b": [4.0]}, [11.0], None, 2, 15.0)
    assert (shown, rest) == (["b"], [11.0])


def test_who_goes_out_takes_nothing_from_other_and_who_comes_in_adds_nothing() -> None:
    others: Others[str] = Others()
    others.take({"a": [100.0]}, [50.0], ["a"], 1, 0.0)
    assert others.asked(["b"]) == ["a", "b"]
    shown, rest = others.take({"a": [100.0], "b": [40.0]}, [10.0], ["b"], 1, 300.0)
    assert (shown, rest) == (["b"], [50.0])
    _, rest = others.take({"b": [45.0]}, [115.0], None, 1, 315.0)
    assert rest == [55.0], "five more calls of those that are not shown"


def test_the_heaviest_first_and_equals_by_name() -> None:
    values = {"b": [1.0], "c": [9.0], "a": [1.0]}
    assert best_of(values, lambda one: one[0], 2) == ["c", "a"]
