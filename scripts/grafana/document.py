"""Grafana's JSON of a dashboard (schema 39, Grafana 10 and newer)."""

import json
from collections.abc import Iterator
from typing import Any

from scripts.grafana.model import Dashboard, Panel
from scripts.grafana.thresholds import steps_of

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_SIZES = {"stat": (4, 4), "timeseries": (8, 7)}
"""Width and height."""


def render(dashboard: Dashboard) -> str:
    """Return the dashboard as Grafana imports it."""
    document = {
        "uid": dashboard.uid, "title": dashboard.title, "tags": ["tocsin"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "10s", "timezone": "browser",
        "time": {"from": "now-30m", "to": "now"}, "annotations": {"list": [_ALERTS]},
        "templating": {"list": list(_variables(dashboard))},
        "panels": list(_panels(dashboard)),
    }  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


_ALERTS = {
    "name": "Alerts", "enable": True, "iconColor": "red", "datasource": SOURCE, "titleFormat": "{{alertname}}",
    "expr": 'ALERTS{alertstate="firing"}', "step": "10s",
}  # fmt: skip


def _variables(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    if dashboard.targets:
        yield {
            "name": "target", "label": "Target", "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1,
            "query": {"query": dashboard.targets, "refId": "target"}, "definition": dashboard.targets,
            "multi": True, "includeAll": True, "allValue": ".+", "current": {"text": "All", "value": "$__all"},
        }  # fmt: skip


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in dashboard.rows:
        number += 1
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            width, height = _SIZES[panel.kind]
            if left + width > _COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield _panel(panel, number, {"x": left, "y": top, "w": width, "h": height})
            left, tallest = left + width, max(tallest, height)
        top += tallest


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps = steps_of(next(iter(panel.queries.values())))
    judged = len(steps) > 1
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.unit == "bool":
        defaults["mappings"] = [_mapping("0", "no", "red", 0), _mapping("1", "yes", "green", 1)]
        defaults |= {"min": 0, "max": 1, "unit": "none"}
    if panel.kind == "timeseries" and judged:
        defaults["custom"] = {"thresholdsStyle": {"mode": "dashed"}}
    return {
        "id": number, "type": panel.kind, "title": panel.title, "datasource": SOURCE, "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + index), "datasource": SOURCE, "expr": query, "legendFormat": legend or "__auto",
                "instant": panel.kind == "stat", "range": panel.kind != "stat",
            }
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }  # fmt: skip


def _mapping(value: str, text: str, colour: str, index: int) -> dict[str, Any]:
    return {"type": "value", "options": {value: {"text": text, "color": colour, "index": index}}}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
