"""Community rules can fire on what we export: all but those that are wrong in themselves, and these are named."""

from pathlib import Path

import pytest
import yaml

from services.evaluator.promql import parse
from tests.integration.collector.compat.liveness import Verdict, judge, loosened, table
from tests.integration.collector.compat.reasons import EXTENSION, NOT_OURS, PEERS, RULES
from tests.integration.collector.compat.world import ROOT, World

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("compat"), pytest.mark.timeout(300)]
PAGE = ROOT / "docs" / "community-rules.md"
COMMUNITY = sorted((ROOT / "rules" / "community").glob("*.yml"))


@pytest.fixture(scope="module")
def verdicts(world: World, packs: Path) -> list[Verdict]:
    files = [path for path in sorted(packs.glob("*.yml")) if "groups" in yaml.safe_load(path.read_text())]
    files = [path for path in files if path.stem not in NOT_OURS]
    assert len(files) >= 10, f"there are no rule packs in {packs}"
    return [one for path in files for one in judge(world.community(), path)]


def test_every_rule_can_fire_but_those_with_a_reason(verdicts: list[Verdict]) -> None:
    dead = {one.rule for one in verdicts if not one.matches}
    assert sorted(dead) == sorted(RULES | EXTENSION)


def test_the_dead_rule_check_names_the_same_rules_and_says_why(verdicts: list[Verdict]) -> None:
    wrong = [one for one in verdicts if one.matches == bool(one.reasons)]
    assert wrong == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("PostgresqlTableNotAutoVacuumed", "has labels datname, relname, schemaname, which"),
        ("PostgresqlUnusedReplicationSlot", "has label slot_name, which"),
        ("PostgreSQLHighConnectionUsage", "/ never matches"),
        ("PostgreSQLBlockedQueries", 'no series of pg_locks_count meets mode="ExclusiveLock"; its mode is access'),
        ("SQLExporterScrapeError", "there is no series of metric scrape_errors_total"),
    ],
)
def test_the_reason_helps(verdicts: list[Verdict], rule: str, words: str) -> None:
    (found,) = {one.reasons for one in verdicts if one.rule == rule}
    assert words in found[0]


def test_the_shares_in_the_documentation_are_the_measured_ones(verdicts: list[Verdict]) -> None:
    shares = table(verdicts, PEERS)
    assert shares in PAGE.read_text(), f"put this into {PAGE}:\n{shares}"


def test_no_pack_can_do_less_than_with_its_own_exporter(verdicts: list[Verdict]) -> None:
    for pack, count in PEERS.items():
        assert sum(one.matches for one in verdicts if one.pack == pack) >= int(count), pack


@pytest.mark.parametrize("own", [False, True])
def test_the_corrected_rules_can_fire(world: World, own: bool) -> None:
    series = world.own() if own else world.community()
    found = [one for path in COMMUNITY for one in judge(series, path)]
    assert [one for one in found if not one.matches or one.reasons] == []
    assert {one.rule for one in found} == set(RULES)


def test_our_own_rules_can_fire(world: World) -> None:
    """But for those about Tocsin's other services, which do not run here."""
    found = [one for path in sorted((ROOT / "rules").glob("*.yml")) for one in judge(world.own(), path)]
    away = "there is no series of metric tocsin_"
    dead = {one.rule: one.reasons for one in found if not one.matches and away not in " ".join(one.reasons)}
    assert dead == {}


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("a > 1", "(a == 1 or a != 1)"),
        ("a > bool 1", "a > bool 1"),
        ("a > on (x) group_left () b", "(a == on (x) group_left () b or a != on (x) group_left () b)"),
        ("a unless b", "a"),
        ("sum(a offset 5m > 2) / -b", "sum((a == 2 or a != 2)) / -b"),
        ("max_over_time((a > 1)[5m:])", "max_over_time(((a == 1 or a != 1))[5m:])"),
    ],
)
def test_thresholds_are_taken_away_and_joins_stay(expr: str, text: str) -> None:
    assert loosened(parse(expr)).text == parse(text).text
