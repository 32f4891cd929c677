"""Errors by fingerprint: counts, trends, examples and bounds."""

from typing import Any

import pytest

from services.collector.sources.logs.groups import HOUR, Groups, trend
from services.collector.sources.logs.record import Failure, Record

NOW = 1_800_000_000.0  # 08:00:00 UTC


def groups(limit: int = 3, forget_after: float = 7 * 86_400) -> Groups:
    return Groups(limit, forget_after)


def error(message: str, **more: Any) -> Record:
    return Record(**{"level": "error", "message": message, **more})


def test_the_same_error_is_one_group_and_its_last_example_stays() -> None:
    one = groups()
    for number in range(3):
        assert one.add(error(f"order {number} failed"), "app.log", NOW + number)
    one.settle()
    (group,) = one.table.values()
    assert (group.count, group.first_seen, group.last_seen) == (3, NOW, NOW + 2)
    assert group.pattern == "order <n> failed"
    assert (group.example.message, group.example.file) == ("order 2 failed", "app.log")


def test_levels_are_told_apart() -> None:
    one = groups()
    one.add(error("x"), "", NOW)
    one.add(error("x", level="critical"), "", NOW)
    assert [group.level for group in one.table.values()] == ["error", "critical"]


def test_beyond_the_limit_new_errors_are_other() -> None:
    one = groups(limit=2)
    assert one.add(error("one"), "", NOW)
    assert one.add(error("two"), "", NOW)
    assert not one.add(error("three"), "", NOW)
    assert not one.add(error("four", level="critical"), "", NOW)
    assert one.add(error("one"), "", NOW)
    assert one.other == {"error": 1, "critical": 1}
    assert sorted(group.count for group in one.table.values()) == [1, 2]


def test_an_error_that_has_not_come_for_an_hour_makes_room() -> None:
    one = groups(limit=2)
    one.add(error("one"), "", NOW)
    one.add(error("two"), "", NOW + 10)
    assert not one.add(error("three"), "", NOW + HOUR - 1)
    assert one.add(error("three"), "", NOW + HOUR)
    assert [group.pattern for group in one.table.values()] == ["two", "three"]


def test_old_errors_are_forgotten() -> None:
    one = groups(forget_after=100)
    one.add(error("x"), "", NOW)
    assert not one.forget(NOW + 100)
    assert one.forget(NOW + 101)
    assert one.table == {}


@pytest.mark.parametrize(
    ("at", "expected"),
    [(None, NOW), (NOW - 60, NOW - 60), (NOW + 30, NOW), (NOW + 3600, NOW), (NOW - 10 * 86_400, NOW - 10 * 86_400)],
)
def test_the_lines_own_time_counts_but_none_from_the_future(at: float | None, expected: float) -> None:
    one = groups()
    one.add(error("x", time=at), "", NOW)
    (group,) = one.table.values()
    assert group.last_seen == expected


def test_a_line_that_comes_late_does_not_become_the_last_example() -> None:
    one = groups()
    one.add(error("x 1", time=NOW - 10), "", NOW)
    one.add(error("x 2", time=NOW - 20), "", NOW)
    one.settle()
    (group,) = one.table.values()
    assert group.example.message == "x 1"
    assert (group.first_seen, group.last_seen) == (NOW - 20, NOW - 10)


def test_the_trend_has_24_hours() -> None:
    one = groups()
    for hours, count in ((30, 9), (23, 1), (1, 2), (0, 3)):
        for _ in range(count):
            one.add(error("x", time=NOW - hours * HOUR), "", NOW)
    (group,) = one.table.values()
    found = trend(group, NOW)
    assert len(found) == 24
    assert found[0] == [int(NOW) - 23 * HOUR, 1]
    assert [count for _, count in found if count] == [1, 2, 3]
    assert group.count == 15
    one.forget(NOW + 5 * HOUR)
    assert sum(group.hours.values()) == 5


def test_examples_are_bounded_and_hold_no_secrets() -> None:
    one = groups()
    failure = Failure("E", "x", text="first line\n" + "y" * 50_000 + "\nE: token=abcdef")
    record = error(
        "x", failure=failure, detail="password=hunter2", fields={"token": "abc", "order": "7", "url": "http://u:pw@h/"}
    )
    one.add(record, "", NOW)
    one.settle()
    (group,) = one.table.values()
    assert len(group.example.traceback) < 9000
    assert group.example.traceback.startswith("first line")
    assert group.example.traceback.endswith("E: token=[hidden]\npassword=[hidden]")
    assert group.example.fields == {"token": "[hidden]", "order": "7", "url": "http://u:[hidden]@h/"}


def test_the_pattern_holds_no_secrets() -> None:
    one = groups()
    one.add(error("login failed password=hunter"), "", NOW)
    (group,) = one.table.values()
    assert group.pattern == "login failed password=[hidden]"


def test_what_is_restored_fits_a_smaller_limit() -> None:
    one = groups(limit=5)
    for number, word in enumerate(("a", "b", "c", "d")):
        one.add(error(word), "", NOW + number)
    other = groups(limit=2)
    other.restore(one.table.values(), {"error": 4})
    assert {group.pattern for group in other.table.values()} == {"c", "d"}
    assert other.other == {"error": 4}
