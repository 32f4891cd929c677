"""Every query of a dashboard, ours and the community's, returns data on live series."""

from pathlib import Path

import pytest

from services.api.metrics import ApiMetrics
from services.common.telemetry import Telemetry
from services.evaluator.promql import parse, selectors
from services.notifier.telemetry import NotifierMetrics
from tests.integration.collector.compat.panels import Query, outcome, queries_of
from tests.integration.collector.compat.world import ROOT, World

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("compat"), pytest.mark.timeout(300)]
OWN = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
PAGE = ROOT / "docs" / "grafana.md"
_NOT_HERE = "the notifier and the page do not run in this world"
EMPTY = {
    ("tocsin", "Rules that fail"): "no rule fails here",
    ("tocsin", "Deliveries"): _NOT_HERE,
    ("tocsin", "Oldest message that waits"): _NOT_HERE,
    ("tocsin", "Event to page p95"): _NOT_HERE,
    ("tocsin", "People on the live page"): _NOT_HERE,
}


def without_data(world: World, queries: list[Query]) -> dict[tuple[str, str], str]:
    found = {(one.dashboard, one.panel): outcome(world, one) for one in queries if outcome(world, one) != "data"}
    return {where: what for where, what in found.items() if where not in EMPTY}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_every_panel_of_ours_has_data(world: World, path: Path) -> None:
    queries = queries_of(path)
    assert len(queries) >= 15
    assert without_data(world.own(), queries) == {}


def test_what_is_empty_here_asks_for_metrics_that_the_services_have() -> None:
    telemetry = Telemetry("notifier")
    ApiMetrics(telemetry.registry)
    NotifierMetrics(telemetry)
    known = {name for metric in telemetry.registry.collect() for name in (metric.name, f"{metric.name}_total")}
    known |= {f"{name}_bucket" for name in known}
    asked = {
        selected.name
        for path in OWN
        for query in queries_of(path)
        if EMPTY.get((query.dashboard, query.panel)) == _NOT_HERE
        for selected in selectors(parse(query.expr))
    }
    assert len(asked) == 4
    assert asked <= known


def test_every_panel_of_the_communitys_dashboards_has_data(world: World, packs: Path) -> None:
    paths = sorted((packs / "dashboards").glob("*.json"))
    assert len(paths) >= 10, f"there are no dashboards in {packs}"
    shares = ["| dashboard | queries | with data |", "| --- | --- | --- |"]
    dead = {}
    for path in paths:
        queries = queries_of(path)
        assert queries, path
        live = sum(outcome(world.community(), one) == "data" for one in queries)
        shares.append(f"| {path.stem} | {len(queries)} | {live} |")
        dead |= without_data(world.community(), queries)
    assert dead == {}
    table = "\n".join(shares)
    assert table in PAGE.read_text(), f"put this into {PAGE}:\n{table}"
