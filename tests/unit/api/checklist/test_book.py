"""What is told of the tasks, and the noting of what beat has run."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError

from services.api.checklist.book import BEAT, STALE_AFTER, ChecklistBook, describe
from services.api.checklist.model import TaskBody
from services.api.checklist.usual import USUAL
from services.api.evaluator import EvaluatorError
from services.api.overview.evaluated import Vector
from services.common.testing.clock import ManualClock

NOW = 1_700_000_000.0
DAY = 86_400.0
ROW = {
    "id": 1,
    "name": "restore",
    "description": "",
    "cadence": "daily",
    "schedule": None,
    "timezone": "UTC",
    "grace_seconds": DAY,
    "source": "manual",
    "check_id": None,
    "check_name": None,
    "beat_task": None,
    "created_by": "ada",
    "created_at": NOW - 30 * DAY,
    "last_done_at": NOW,
    "last_done_by": "ana",
    "last_note": "",
}
NIGHTLY = ROW | {"id": 2, "name": "report", "source": "beat", "beat_task": "nightly", "last_done_at": NOW - 9 * DAY}


class Shelf:
    """A store in memory."""

    def __init__(self, *rows):
        self.table, self.noted, self.by_checks = [dict(row) for row in rows], [], {}

    async def rows(self, task_id=None):
        return [row for row in self.table if task_id in {None, row["id"]}]

    async def done_by_checks(self):
        return self.by_checks

    async def note_jobs(self, done):
        self.noted.append(done)
        for row in self.table:
            row["last_done_at"] = done.get(row["id"], row["last_done_at"])


class Evaluator:
    """Answers one query, or is away."""

    def __init__(self, **values):
        self.values, self.away, self.asked = values, False, []

    async def instant(self, query, at):
        self.asked.append(query)
        if self.away:
            raise EvaluatorError("unreachable", "gone")
        found = [{"metric": {"schedule": name}, "value": (at, str(value))} for name, value in self.values.items()]
        return Vector.model_validate({"resultType": "vector", "result": found})


def series(book):
    registry = CollectorRegistry()
    registry.register(book)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


OVERDUE = 'tocsin_maintenance_task_overdue{task="%s"}'


async def test_series_of_tasks_end_when_they_are_not_read():
    clock = ManualClock(NOW)
    late = ROW | {"id": 3, "name": 'a "b"', "last_done_at": NOW - 5 * DAY}
    book = ChecklistBook(Shelf(ROW, late), Evaluator(), clock)
    assert book.known() is None
    assert series(book) == {}
    await book.refresh()
    found = series(book)
    assert (found[OVERDUE % "restore"], found[OVERDUE % 'a \\"b\\"']) == (0, 1)
    assert found['tocsin_maintenance_task_due_timestamp_seconds{task="restore"}'] == (NOW // DAY + 2) * DAY
    await clock.advance(STALE_AFTER + 1)
    assert series(book) == {}


async def test_beat_is_asked_only_where_a_task_needs_it():
    evaluator = Evaluator()
    await ChecklistBook(Shelf(ROW), evaluator, ManualClock(NOW)).refresh()
    assert evaluator.asked == []


async def test_runs_of_beat_are_noted_once():
    shelf, evaluator = Shelf(ROW, NIGHTLY), Evaluator(nightly=NOW - 60, other=NOW)
    book = ChecklistBook(shelf, evaluator, ManualClock(NOW))
    await book.refresh()
    assert (evaluator.asked, shelf.noted) == ([BEAT], [{2: NOW - 60}])
    assert [task.state for task in book.known()] == ["waiting", "waiting"]
    await book.refresh()
    assert len(shelf.noted) == 1


@pytest.mark.parametrize("value", [NOW - 10 * DAY, float("nan")])
async def test_an_older_or_unknown_run_is_not_noted(value):
    shelf = Shelf(NIGHTLY)
    book = ChecklistBook(shelf, Evaluator(nightly=value), ManualClock(NOW))
    await book.refresh()
    assert (shelf.noted, book.known()[0].state) == ([], "overdue")


async def test_without_the_evaluator_beats_tasks_are_unknown():
    shelf, evaluator = Shelf(ROW, NIGHTLY), Evaluator()
    shelf.by_checks = {1: NOW - 5}
    evaluator.away = True
    book = ChecklistBook(shelf, evaluator, ManualClock(NOW))
    await book.refresh()
    task = book.known()[1]
    assert (task.state, task.reason) == ("unknown", "evaluator_away")
    assert OVERDUE % "report" not in series(book)
    assert shelf.noted == [{1: NOW - 5}]
    evaluator.away = False
    await book.refresh()
    assert series(book)[OVERDUE % "report"] == 1


def test_a_task_whose_check_was_deleted_says_so_and_becomes_overdue():
    found = describe(ROW | {"source": "check", "last_done_at": NOW - 9 * DAY}, NOW)
    assert (found.state, found.reason) == ("overdue", "check_gone")
    found = describe(ROW | {"source": "check", "check_id": 7, "check_name": "backup"}, NOW)
    assert (found.state, found.reason) == ("waiting", "")


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"cadence": "cron"}, "give schedule"),
        ({"schedule": "0 3 * * *"}, "give schedule"),
        ({"cadence": "cron", "schedule": "0 3 * *"}, "five fields"),
        ({"timezone": "Mars"}, "no time zone"),
        ({"check_id": 1, "beat_task": "x"}, "not both"),
        ({"check_id": 0}, "greater than or equal to 1"),
        ({"name": "  "}, "match pattern"),
        ({"name": "\x00"}, "match pattern"),
        ({"cadence": "yearly"}, "'daily'"),
        ({"grace_seconds": 1}, "greater than or equal to 60"),
    ],
)
def test_wrong_tasks_are_refused(more, part):
    with pytest.raises(ValidationError, match=part):
        TaskBody.model_validate({"name": "restore", "cadence": "daily"} | more)


def test_a_tasks_source_is_what_it_names():
    made = [
        TaskBody.model_validate({"name": "a", "cadence": "daily"} | more)
        for more in ({}, {"check_id": 3}, {"beat_task": "nightly"})
    ]
    assert [body.source for body in made] == ["manual", "check", "beat"]


def test_the_usual_tasks_are_different_and_manual():
    assert len({body.name for body in USUAL}) == len(USUAL)
    assert {body.source for body in USUAL} == {"manual"}
