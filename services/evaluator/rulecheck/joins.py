"""Joins that can't match, labels that can't be there: told from the text of a rule alone. Pure."""

import re
from collections.abc import Iterator

from services.evaluator.promql import Expr, ast, value_type
from services.evaluator.rulecheck.shape import Shape, Shapes, shape_of

_LABEL_USE = re.compile(r"\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)|index\s+\$labels\s+\"([^\"]+)\"")
_TARGET_LABELS = frozenset({"instance", "job"})
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def suspicious(expr: Expr, recorded: Shapes) -> Iterator[tuple[str, str]]:
    """Yield problem and mend of every join and grouping in the expression that can't do what it seems to."""
    match expr:
        case ast.Binary():
            yield from _join(expr, recorded)
        case ast.Aggregate():
            yield from _grouping(expr, recorded)
        case _:
            pass
    for child in ast.children(expr):
        yield from suspicious(child, recorded)


def impossible(expr: Expr, recorded: Shapes) -> Iterator[str]:
    """Yield the problem of every join in the expression that can't match: what is above it never gives a series."""
    if isinstance(expr, ast.Binary) and expr.op != "unless":
        yield from (problem for problem, _ in _mismatch(expr, recorded))
    for child in ast.children(expr):
        yield from impossible(child, recorded)


def dead_template_labels(texts: Iterator[str], expr: Expr, recorded: Shapes) -> Iterator[str]:
    """Yield the labels that templates ask for and no alert of the expression can have."""
    shape = shape_of(expr, recorded)
    seen: set[str] = set()
    for text in texts:
        for action in _ACTION.findall(text):
            for plain, indexed in _LABEL_USE.findall(action):
                name = plain or indexed
                if name not in seen and shape.lacks(name):
                    seen.add(name)
                    yield name


def _grouping(expr: ast.Aggregate, recorded: Shapes) -> Iterator[tuple[str, str]]:
    inner = shape_of(expr.expr, recorded)
    lost = sorted(one for one in expr.grouping if inner.lacks(one))
    if lost and not expr.without:
        yield (
            f"{expr.op} by ({', '.join(expr.grouping)}) groups by {_names(lost)}, which {expr.expr.text} never has",
            "take it out of by (…), or keep it inside",
        )


def _join(expr: ast.Binary, recorded: Shapes) -> Iterator[tuple[str, str]]:
    if expr.op == "or" or value_type(expr.lhs) == "scalar" or value_type(expr.rhs) == "scalar":
        return
    left, right = shape_of(expr.lhs, recorded), shape_of(expr.rhs, recorded)
    matching = expr.matching or ast.Matching()
    for name in matching.include:
        one, text = (right, expr.rhs.text) if matching.card == "many-to-one" else (left, expr.lhs.text)
        if one.lacks(name):
            yield (f"group_{_side(matching)}({name}) copies a label that {text} never has", "keep it on that side")
    yield from _mismatch(expr, recorded)


def _mismatch(expr: ast.Binary, recorded: Shapes) -> Iterator[tuple[str, str]]:
    if expr.op == "or" or value_type(expr.lhs) == "scalar" or value_type(expr.rhs) == "scalar":
        return
    left, right = shape_of(expr.lhs, recorded), shape_of(expr.rhs, recorded)
    matching = expr.matching or ast.Matching()
    named = frozenset(matching.labels)
    for mine, other, mine_text, other_text in (
        (left, right, expr.lhs.text, expr.rhs.text),
        (right, left, expr.rhs.text, expr.lhs.text),
    ):
        lost = _unmatched(mine, other, named, on=matching.on)
        if lost:
            effect = "removes nothing" if expr.op == "unless" else "never matches"
            yield (
                f"{expr.op} {effect}: {other_text} has {_names(lost)}, which {mine_text} never has",
                "name the labels that both sides share with on (…), or group both sides alike",
            )
            return


def _unmatched(mine: Shape, other: Shape, named: frozenset[str], *, on: bool) -> list[str]:
    """Return labels that take part in the join, that `other` certainly has and `mine` certainly has not."""
    if on:
        has = other.some | (_TARGET_LABELS if other.scraped else frozenset())
        return sorted(one for one in has & named if mine.lacks(one))
    lost = sorted(one for one in other.some - named if mine.lacks(one))
    if not lost and mine.all is not None and other.scraped:
        # A scraped series has its target's labels, whatever the rule says of them.
        lost = sorted(one for one in _TARGET_LABELS - named if mine.lacks(one))
    return lost


def _side(matching: ast.Matching) -> str:
    return "left" if matching.card == "many-to-one" else "right"


def _names(labels: list[str]) -> str:
    return ("label " if len(labels) == 1 else "labels ") + ", ".join(labels)
