"""Whether a rule can ever fire on the series that there are: by evaluating it, and by what the dead-rule check says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from services.evaluator.promql import Expr, PromqlError, ast, value_type
from services.evaluator.rulecheck.joins import impossible
from services.evaluator.rulecheck.shape import live_shapes
from services.evaluator.rules.dead import dead_selectors
from services.evaluator.rules.loader import RuleDefaults, load_file
from tests.integration.collector.compat.world import World


@dataclass(frozen=True)
class Verdict:
    """`matches`: the rule gives series once its thresholds are taken away; `reasons`: what the check says is wrong."""

    pack: str
    rule: str
    matches: bool
    reasons: tuple[str, ...]


def loosened(expr: Expr) -> Expr:  # noqa: PLR0911 - one return per kind of node
    """Return the expression without its thresholds and offsets, so that it gives a series wherever its joins match.

    A comparison holds or does not: both together leave all that was joined, with the same faults of the join.
    """
    match expr:
        case ast.Binary(op=op) if op in ast.COMPARISONS and not expr.returns_bool and value_type(expr) == "vector":
            equal = replace(expr, op="==", lhs=loosened(expr.lhs), rhs=loosened(expr.rhs))
            both = ast.Binary("or", equal, replace(equal, op="!="), matching=ast.Matching("many-to-many"))
            return ast.Paren(both)
        case ast.Binary(op="unless"):
            # What it takes away may come and go.
            return loosened(expr.lhs)
        case ast.Binary():
            return replace(expr, lhs=loosened(expr.lhs), rhs=loosened(expr.rhs))
        case ast.Paren() | ast.Negation() | ast.Aggregate() | ast.Subquery():
            return replace(expr, expr=loosened(expr.expr))
        case ast.Call():
            return replace(expr, args=tuple(map(loosened, expr.args)))
        case ast.Selector():
            return replace(expr, offset=0.0)
        case _:
            return expr


def judge(world: World, file: Path) -> list[Verdict]:
    """Return a verdict for every rule of the file; raises RuleFileError."""
    found = []
    for group in load_file(file, RuleDefaults()):
        for rule in group.rules:
            dead = dead_selectors(rule.expr, world.series)
            reasons = [one.text for one in dead] or list(impossible(rule.expr, live_shapes(rule.expr, world.series)))
            found.append(Verdict(file.stem, rule.name, _matches(world, rule.expr), tuple(dict.fromkeys(reasons))))
    return found


def _matches(world: World, expr: Expr) -> bool:
    try:
        return bool(world.query(loosened(expr)))
    except PromqlError:
        return False


def table(verdicts: list[Verdict], peers: Mapping[str, str]) -> str:
    """Return the shares by pack as a Markdown table, beside what the peers were seen to reach."""
    lines = ["| pack | rules | can fire here | with the exporters it was written for |", "| --- | --- | --- | --- |"]
    for pack in dict.fromkeys(one.pack for one in verdicts):
        own = [one for one in verdicts if one.pack == pack]
        lines.append(f"| {pack} | {len(own)} | {sum(one.matches for one in own)} | {peers.get(pack, 'not measured')} |")
    return "\n".join(lines)
