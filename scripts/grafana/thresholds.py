"""The numbers that our rules compare with: panels are coloured by the rules, not by a copy of their numbers."""

from functools import cache

from scripts.grafana.model import ROOT
from services.evaluator.promql import Threshold, ast, parse, thresholds
from services.evaluator.rules.definition import AlertingRule
from services.evaluator.rules.loader import RuleDefaults, load_file

Step = dict[str, str | float | None]
_COLOURS = {"info": "blue", "warning": "orange", "critical": "red"}
_BELOW = frozenset({"<", "<="})
_EQUAL = frozenset({"==", "!="})


@cache
def _by_metric() -> dict[str, list[tuple[Threshold, str]]]:
    found: dict[str, list[tuple[Threshold, str]]] = {}
    for path in sorted((ROOT / "rules").glob("*.yml")):
        for group in load_file(path, RuleDefaults()):
            for rule in group.rules:
                if isinstance(rule, AlertingRule):
                    for one in thresholds(rule.expr):
                        found.setdefault(one.expr, []).append((one, rule.labels.get("severity", "warning")))
    return found


def steps_of(query: str) -> list[Step]:
    """Return Grafana's steps for a query of one metric that rules judge; green alone for any other."""
    expr = parse(query.replace("$__rate_interval", "1m"))
    judged = _by_metric().get(expr.name or "", []) if isinstance(expr, ast.Selector) else []
    below = sorted((one.value, _COLOURS[severity]) for one, severity in judged if one.op in _BELOW)
    above = sorted((one.value, _COLOURS[severity]) for one, severity in judged if one.op not in _BELOW | _EQUAL)
    zero = [_COLOURS[severity] for one, severity in judged if one.op == "==" and one.value == 0]
    if below:
        # From the lowest up: under the first limit its own colour, from the last one on all is well.
        colours = [colour for _, colour in below] + ["green"]
        return _steps([(None, colours[0]), *zip([value for value, _ in below], colours[1:], strict=True)])
    if zero and not above:
        return _steps([(None, zero[0]), (1.0, "green")])
    return _steps([(None, "green"), *above])


def _steps(pairs: list[tuple[float | None, str]]) -> list[Step]:
    return [{"color": colour, "value": value} for value, colour in pairs]
