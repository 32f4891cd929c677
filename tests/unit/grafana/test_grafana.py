"""Our dashboards are those that their descriptions make, and are what Grafana takes."""

import json
import re

import pytest
import yaml

from scripts.grafana.__main__ import main
from scripts.grafana.document import render
from scripts.grafana.model import FOLDER, Dashboard, read_all
from scripts.grafana.thresholds import steps_of
from services.collector.sources import KINDS
from services.evaluator.promql import parse

DASHBOARDS = read_all()
_LABEL = re.compile(r"\{\{(\w+)\}\}")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_dashboard_is_current(name: str) -> None:
    text = (FOLDER / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
    assert text == render(DASHBOARDS[name]), "run: python -m scripts.grafana"


def test_there_is_one_for_each_description_and_no_other() -> None:
    assert {path.stem for path in (FOLDER / "dashboards").glob("*.json")} == set(DASHBOARDS)
    assert {"fastapi", "postgres", "redis", "celery", "websocket", "host", "tocsin"} == set(DASHBOARDS)
    assert {"fastapi", "postgres", "redis", "celery", "websocket", "host"} <= {kind.key for kind in KINDS}
    assert len({one.uid for one in DASHBOARDS.values()}) == len(DASHBOARDS)


def test_main_writes_them(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("scripts.grafana.__main__.FOLDER", tmp_path)
    assert main() == 0
    assert sorted(path.stem for path in (tmp_path / "dashboards").iterdir()) == sorted(DASHBOARDS)
    assert "postgres.json: 26 panels" in capsys.readouterr().out


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap_and_each_has_its_number(name: str) -> None:
    panels = json.loads(render(DASHBOARDS[name]))["panels"]
    assert [one["id"] for one in panels] == list(range(1, len(panels) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", DASHBOARDS)
def test_queries_are_promql_and_ask_for_the_chosen_target(name: str) -> None:
    dashboard = DASHBOARDS[name]
    for panel in dashboard.panels:
        for legend, query in panel.queries.items():
            expr = parse(query.replace("$__rate_interval", "1m"))
            labels = set(_LABEL.findall(legend))
            grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", query))))
            # A legend must not name a label that every aggregation has taken away.
            assert not grouped or labels <= grouped, (panel.title, expr.text)
    assert bool(dashboard.targets) == (name != "tocsin")


def test_every_query_of_a_panel_has_a_legend_of_its_own() -> None:
    for name, dashboard in DASHBOARDS.items():
        rows = json.loads(render(dashboard))["panels"]
        for panel in rows:
            legends = [one["legendFormat"] for one in panel.get("targets", ())]
            assert len(set(legends)) == len(legends), (name, panel["title"])


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ('tocsin:redis_hit_ratio{target=~"$target"}', [("orange", None), ("green", 0.9)]),
        ('tocsin:postgres_connections_ratio{target=~"$target"}', [("green", None), ("orange", 0.8)]),
        ("tocsin:fastapi_response_seconds:avg", [("green", None), ("orange", 0.1), ("red", 1.0)]),
        ("tocsin:redis_up", [("red", None), ("green", 1.0)]),
        ("rate(pg_stat_wal_bytes_total[$__rate_interval])", [("green", None)]),
    ],
)
def test_colours_are_those_of_the_rules(query: str, steps: list[tuple[str, float | None]]) -> None:
    assert [(one["color"], one["value"]) for one in steps_of(query)] == steps


def test_a_panel_that_rules_judge_shows_their_line() -> None:
    dashboard = Dashboard.model_validate({
        "uid": "u", "title": "t",
        "rows": [{"title": "r", "panels": [
            {"title": "judged", "unit": "percentunit", "queries": {"": "tocsin:redis_hit_ratio"}},
            {"title": "other", "unit": "short", "queries": {"": "vector(1)"}},
        ]}],
    })  # fmt: skip
    _, judged, other = json.loads(render(dashboard))["panels"]
    assert judged["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert "custom" not in other["fieldConfig"]["defaults"]
    assert [one["name"] for one in json.loads(render(dashboard))["templating"]["list"]] == ["datasource"]


def test_the_provisioned_files_fit_together() -> None:
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "tocsin.yml").read_text())
    (made,) = source["datasources"]
    assert made["type"] == "prometheus"
    assert "$TOCSIN_SERVICE_TOKEN" in made["secureJsonData"]["httpHeaderValue1"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "tocsin.yml").read_text())["providers"]
    assert provider["options"]["path"].endswith("/dashboards")
