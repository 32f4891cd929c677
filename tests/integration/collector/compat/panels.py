"""Queries of Grafana dashboards, their variables filled in as somebody who looks at this world would choose them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.evaluator.promql import PromqlError
from tests.integration.collector.compat.world import World

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
CHOSEN = {
    "__rate_interval": "1m", "__interval": "1m", "__range": "5m", "interval": "1m", "topk": "5",
    "cluster": "shop", "namespace": "shop", "job": ".+", "instance": ".+", "target": ".+", "db": "shop",
    "queue_name": "celery", "task": ".+", "name": ".+", "settingsFilter": "",
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    dashboard: str
    panel: str
    expr: str


def queries_of(path: Path, chosen: Mapping[str, str] = CHOSEN) -> list[Query]:
    """Return all queries of a dashboard's panels; raises KeyError for a variable that nobody has chosen."""
    document = json.loads(path.read_text())
    return [Query(path.stem, panel, _filled(expr, chosen)) for panel, expr in _found(document, "")]


def _found(node: Any, panel: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        panel = node["title"] if isinstance(node.get("title"), str) else panel
        if isinstance(node.get("expr"), str):
            yield panel, node["expr"]
        for key, value in node.items():
            if key not in {"annotations", "templating"}:
                yield from _found(value, panel)
    elif isinstance(node, list):
        for one in node:
            yield from _found(one, panel)


def _filled(expr: str, chosen: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: chosen[next(filter(None, match.groups()))], expr)


def outcome(world: World, query: Query) -> str:
    """Return "data", "empty", or what the query's error says."""
    try:
        return "data" if world.query(query.expr) else "empty"
    except PromqlError as error:
        return str(error)
