"""Every metric that community rules and dashboards ask for is in our output, with the labels that they ask for."""

import csv
from pathlib import Path

import pytest

from services.evaluator.promql import Matcher
from tests.integration.collector.compat.reasons import ADDED_BY_A_SCRAPE, DROPPED_BY_ITS_EXPORTER, LABELS, NAMES
from tests.integration.collector.compat.world import World

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("compat"), pytest.mark.timeout(300)]
_LABEL_COLUMNS = ("labels_matched", "labels_grouped")


@pytest.fixture(scope="module")
def asked_for(packs: Path) -> dict[str, set[str]]:
    """Labels by name."""
    with (packs / "compat-names.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 100
    return {
        row["metric"]: {label for column in _LABEL_COLUMNS for label in row[column].split(",") if label} for row in rows
    }


def labels_of(world: World, name: str) -> set[str]:
    return {label for series in world.series([Matcher("__name__", "=", name)]) for label in series}


def test_every_name_is_there_but_those_with_a_reason(world: World, asked_for: dict[str, set[str]]) -> None:
    missing = {name for name in asked_for if not labels_of(world.community(), name)}
    assert missing == set(NAMES)


def test_every_label_is_there_but_those_with_a_reason(world: World, asked_for: dict[str, set[str]]) -> None:
    known = ADDED_BY_A_SCRAPE | {DROPPED_BY_ITS_EXPORTER}
    missing = {
        (name, label)
        for name, labels in asked_for.items()
        if name not in NAMES
        for label in labels - known - labels_of(world.community(), name)
    }
    assert missing == set(LABELS)


def test_what_a_scrape_adds_is_there(world: World) -> None:
    assert labels_of(world.community(), "celery_worker_up") >= ADDED_BY_A_SCRAPE
    assert labels_of(world.community(), "pg_up") >= {"instance", "job", "cluster"}
    assert "target" not in labels_of(world.community(), "pg_up")
    assert "target" in labels_of(world.own(), "pg_up")
