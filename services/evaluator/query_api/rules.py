"""`/api/v1/rules` and `/api/v1/alerts`, with what Tocsin adds under `tocsin`."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from services.common.events import alert_id
from services.evaluator.fallback import rfc3339
from services.evaluator.query_api.encode import go_scientific, success
from services.evaluator.query_api.params import ApiError, Params, bad, parse_matchers, quoted
from services.evaluator.rules.alerting import AlertRunner
from services.evaluator.rules.dead_watch import DeadWatch
from services.evaluator.rules.definition import AlertingRule, Rule, describe_thresholds
from services.evaluator.rules.explain import RuleHealth
from services.evaluator.rules.manager import RuleManager
from services.evaluator.rules.runner import GroupRunner
from services.evaluator.rules.state import ActiveAlert, AlertState

if TYPE_CHECKING:
    from services.evaluator.promql import Matcher

_NEVER = "0001-01-01T00:00:00Z"
_ORDER = {"inactive": 0, "pending": 1, "firing": 2}


class RuleRoutes:
    """Tells what the rules are and how they stand."""

    def __init__(self, rules: RuleManager) -> None:
        self._rules = rules

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/v1/rules", self._list), web.get("/api/v1/alerts", self._alerts)]

    async def _alerts(self, _request: web.Request) -> web.Response:
        found = [
            alert
            for runner in self._rules.runners.values()
            for alerts in runner.alerts.values()
            for alert in _active(alerts)
        ]
        return success({"alerts": found})

    async def _list(self, request: web.Request) -> web.Response:
        params = await Params.of(request)
        query = _Filter(params)
        groups = []
        for runner in self._rules.runners.values():
            rules = [
                _rule(rule, runner, query, self._rules.dead) for rule in runner.group.rules if query.wants(rule, runner)
            ]
            if (rules or not query.narrow) and query.wants_group(runner):
                groups.append(_group(runner, rules))
        data: dict[str, Any] = {"groups": groups}
        limit = _group_limit(params)
        token = params.text("group_next_token")
        if token and not limit:
            raise ApiError("bad_data", "group_limit needs to be set in order to paginate over the groups")
        if limit:
            _paginate(data, limit, token)
        return success(data)


def _group_limit(params: Params) -> int:
    text = params.text("group_limit")
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise bad("group_limit", f"group_limit needs to be a valid number: {quoted(text)}")
    if int(text) <= 0:
        raise bad("group_limit", "group_limit needs to be greater than 0")
    return int(text)


def _paginate(data: dict[str, Any], limit: int, token: str) -> None:
    groups = data["groups"]
    keys = [f"{group['file']};{group['name']}" for group in groups]
    if token and token not in keys:
        raise bad("group_next_token", "the group is not there any more; begin again without it")
    first = keys.index(token) if token else 0
    data["groups"] = groups[first : first + limit]
    if first + limit < len(groups):
        data["groupNextToken"] = keys[first + limit]


class _Filter:
    def __init__(self, params: Params) -> None:
        self.kind = params.text("type").lower()
        if self.kind not in {"", "alert", "record"}:
            raise bad("type", f'not supported value "{self.kind}"')
        self.names, self.groups, self.files = (
            set(params.all(f"{one}[]")) for one in ("rule_name", "rule_group", "file")
        )
        self.selectors: list[tuple[Matcher, ...]] = parse_matchers(params.all("match[]"))
        flag = params.text("exclude_alerts").lower()
        if flag not in {"", "true", "false", "1", "0", "t", "f"}:
            raise bad("exclude_alerts", "cannot be converted to a boolean")
        self.exclude_alerts = flag in {"true", "1", "t"}
        self.narrow = bool(self.kind or self.names or self.selectors)

    def wants_group(self, runner: GroupRunner) -> bool:
        group = runner.group
        return (not self.groups or group.name in self.groups) and (not self.files or group.file in self.files)

    def wants(self, rule: Rule, _runner: GroupRunner) -> bool:
        if self.kind and self.kind != ("alert" if isinstance(rule, AlertingRule) else "record"):
            return False
        if self.names and rule.name not in self.names:
            return False
        labels = rule.labels
        return not self.selectors or any(
            all(one.matches(labels.get(one.name, "")) for one in matchers) for matchers in self.selectors
        )


def _group(runner: GroupRunner, rules: list[dict[str, Any]]) -> dict[str, Any]:
    group = runner.group
    return {
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": group.interval,
        "limit": group.limit,
        "queryOffset": group.query_offset,
        "evaluationTime": runner.last_seconds,
        "lastEvaluation": rfc3339(runner.last_at) if runner.last_at is not None else _NEVER,
        **({"tocsin": {"source": group.source}} if group.source else {}),
    }


def _rule(rule: Rule, runner: GroupRunner, query: _Filter, dead: DeadWatch) -> dict[str, Any]:
    health = runner.health[rule.key]
    shown: dict[str, Any] = {
        "name": rule.name,
        "query": rule.expr.text,
        "labels": dict(rule.labels),
        "health": health.health,
        "evaluationTime": health.last.seconds if health.last else 0.0,
        "lastEvaluation": rfc3339(health.last.at) if health.last else _NEVER,
        "type": "recording",
    }
    if health.last_error:
        shown["lastError"] = health.last_error
    own: dict[str, Any] = {
        "file": rule.file,
        "line": rule.line,
        "evaluations": _evaluations(health),
        "no_series": [
            {"selector": one.selector, "metric": one.metric, "label": one.label, "problem": one.text}
            for one in dead.of(runner.group.key, rule.key)
        ],
    }
    if isinstance(rule, AlertingRule):
        alerts = runner.alerts[rule.key]
        active = list(_active(alerts))
        shown |= {
            "type": "alerting",
            "state": max((alert["state"] for alert in active), key=_ORDER.__getitem__, default="inactive"),
            "duration": rule.hold,
            "keepFiringFor": rule.keep_firing,
            "annotations": dict(rule.annotations),
        }
        if not query.exclude_alerts:
            shown["alerts"] = active
        own |= {
            "thresholds": describe_thresholds(rule),
            "cooldown": rule.cooldown,
            "max_alerts_per_hour": rule.max_per_hour,
            "clear": rule.clear.text if rule.clear is not None else None,
            "no_data": rule.no_data,
            "depends_on": list(rule.depends_on),
        }
    return {**shown, "tocsin": own}


def _evaluations(health: RuleHealth) -> list[dict[str, Any]]:
    return [
        {
            "at": one.at,
            "seconds": one.seconds,
            "samples": one.samples,
            "series": one.series,
            "error": one.error or None,
        }
        for one in health.evaluations
    ]


def _active(alerts: AlertRunner) -> Iterator[dict[str, Any]]:
    for state in alerts.states().values():
        for fp, alert in state.active.items():
            if alert.state is not AlertState.INACTIVE:
                yield _alert(fp, alert)


def _alert(fp: str, alert: ActiveAlert) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "activeAt": rfc3339(alert.active_at),
        "value": go_scientific(alert.value),
        "tocsin": {
            "fingerprint": fp,
            "alert_id": alert_id(fp, alert.fired_at) if alert.fired_at is not None else None,
            "starts_at": alert.fired_at,
            "muted": alert.muted.value,
            "muted_until": alert.muted_until,
            "flapping": alert.flapping,
            "value": alert.value if alert.value - alert.value == 0 else None,
        },
    }
    if alert.keep_since is not None:
        shown["keepFiringSince"] = rfc3339(alert.keep_since)
    return shown
