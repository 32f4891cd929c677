"""From a rule as people make it to PromQL and to a rule file. Pure."""

import json
import math
from collections.abc import Iterable
from typing import Any

import yaml

from services.api.rules.model import RuleBody, ThresholdForm

GROUP = "api-{id}"
FILE = "dashboard.yml"


def promql(form: ThresholdForm) -> str:
    """Return the comparison as PromQL."""
    conditions = ", ".join(f"{one.name}{one.op}{json.dumps(one.value, ensure_ascii=False)}" for one in form.labels)
    selector = f"{form.metric}{{{conditions}}}" if conditions else form.metric
    return f"{selector} {form.op} {_number(form.threshold)}"


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - whole numbers as they are written


def expression(rule: RuleBody) -> str:
    """Return what is evaluated."""
    return promql(rule.form) if rule.form is not None else (rule.expr or "").strip()


def compiled(rule: RuleBody) -> dict[str, Any]:
    """Return the rule as an entry of a rule file."""
    own = {
        "severity": rule.severity,
        "category": rule.category,
        "component": rule.component,
        "channels": ",".join(rule.channels),
    }
    texts = {"summary": rule.summary, "description": rule.description, "action": rule.action}
    annotations = {key: text for key, text in {**texts, "action_link": rule.action_link}.items() if text}
    entry: dict[str, Any] = {"alert": rule.name, "expr": expression(rule)}
    if rule.for_seconds:
        entry["for"] = _duration(rule.for_seconds)
    if rule.keep_firing_seconds:
        entry["keep_firing_for"] = _duration(rule.keep_firing_seconds)
    if rule.cooldown_seconds is not None:
        entry["cooldown"] = _duration(rule.cooldown_seconds)
    if rule.max_alerts_per_hour is not None:
        entry["max_alerts_per_hour"] = rule.max_alerts_per_hour
    entry["labels"] = {**{key: value for key, value in own.items() if value}, **rule.labels}
    return {**entry, **({"annotations": annotations} if annotations else {})}


def rule_file(rules: Iterable[tuple[str, RuleBody]]) -> str:
    """Return a rule file with one group for each rule (by id), as the evaluator and Prometheus' tools read it."""
    groups = []
    for rule_id, rule in rules:
        group: dict[str, Any] = {"name": GROUP.format(id=rule_id)}
        if rule.interval_seconds is not None:
            group["interval"] = _duration(rule.interval_seconds)
        groups.append({**group, "rules": [compiled(rule)]})
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=110)


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms" if seconds % 1 else f"{int(seconds)}s"
