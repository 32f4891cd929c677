"""Collectors: one line each, names that a configuration may use."""

from pathlib import Path

import pytest
from pydantic import ValidationError

import services.collector.sources.postgres as package
from services.collector.sources.base import CollectorSwitch
from services.collector.sources.postgres import registry
from services.collector.sources.postgres.target import PostgresTarget

HELPERS = {
    "__init__", "collector", "columns", "estimate", "link", "others", "ranked", "registry", "runner", "source",
    "target", "together", "tour",
}  # fmt: skip


def test_every_file_of_collectors_is_in_the_registry() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - HELPERS
    used = {one.work.__module__.rpartition(".")[2] for one in (*registry.COLLECTORS, *registry.SLOW)}
    assert used == files


def test_names_are_unique() -> None:
    names = [one.name for one in (*registry.COLLECTORS, *registry.SLOW)]
    assert len(names) == len(set(names))
    assert set(names) | {registry.TOUR} == registry.NAMES


def test_each_name_can_be_switched_and_no_other() -> None:
    switches = {name: CollectorSwitch(enabled=False) for name in registry.NAMES}
    assert set(PostgresTarget(name="db", host="h", collectors=switches).collectors) == registry.NAMES
    with pytest.raises(ValidationError, match="there is no collector 'bloats'; there are: activity_trouble, bloat"):
        PostgresTarget(name="db", host="h", collectors={"bloats": CollectorSwitch()})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either dsn or host"),
        ({"dsn": "postgresql://h/d", "host": "h"}, "give either dsn or host"),
        ({"dsn": "mysql://h/d"}, "dsn is not one of PostgreSQL"),
    ],
)
def test_an_address_is_one_dsn_or_one_host(fields: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PostgresTarget(name="db", **fields)


def test_an_address_shows_no_password() -> None:
    assert PostgresTarget(name="db", dsn="postgresql://u:secret@h:5433/shop").address == "h:5433/shop"
    assert PostgresTarget(name="db", host="h", dbname="shop").address == "h:5432/shop"
