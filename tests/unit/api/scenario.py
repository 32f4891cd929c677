"""One story that the snapshots tell: Celery is down and acknowledged, the API is slow, a cache alert has resolved."""

from services.api.alerts.view import AlertView
from services.api.overview.evaluated import Matrix, RuleGroups, Vector, index_rules, instant_values, range_values
from services.api.overview.model import ExternalService
from services.api.overview.panels import panels_in_order
from services.api.overview.ring import STEP
from services.api.overview.state import OverviewState
from services.common.events import ActionEvent, AlertEvent, AlertStatus, Heartbeat, RuleRef
from services.common.labels import fingerprint

NOW = 1_700_000_100.0
PAST = 24 * STEP

# name: value now, severity, operator, limit
RECORDED = {
    "tocsin:fastapi_response_seconds:avg": (
        0.182, [("warning", ">", 0.1, "ApiSlow"), ("critical", ">", 1, "ApiVerySlow")]
    ),
    "tocsin:fastapi_error_ratio": (0.002, [("critical", ">", 0.01, "ApiErrors")]),
    "tocsin:fastapi_uptime_ratio": (0.9995, [("warning", "<", 0.999, "ApiUptimeLow")]),
    "tocsin:fastapi_requests_per_second": (41.5, []),
    "tocsin:active_sessions": (128, []),
    "tocsin:postgres_connections_ratio": (0.42, [("warning", ">", 0.8, "PostgresConnectionsHigh")]),
    "tocsin:postgres_query_seconds:p95": (0.0213, [("warning", ">", 0.05, "PostgresQueriesSlow")]),
    "tocsin:postgres_disk_ratio": (0.615, [("warning", ">", 0.8, "PostgresDiskHigh")]),
    "tocsin:redis_hit_ratio": (0.943, [("warning", "<", 0.9, "RedisHitRateLow")]),
    "tocsin:redis_memory_ratio": (0.371, [("warning", ">", 0.8, "RedisMemoryHigh")]),
    "tocsin:redis_clients": (23, [("warning", ">", 100, "RedisClientsHigh")]),
    "tocsin:websocket_connections": (311, [("warning", ">", 1000, "WebSocketConnectionsHigh")]),
    "tocsin:websocket_latency_seconds": (0.034, [("warning", ">", 0.1, "WebSocketSlow")]),
    "tocsin:websocket_error_ratio": (0.0, [("warning", ">", 0.005, "WebSocketErrors")]),
    "tocsin:celery_active_workers": (0, [("warning", "<", 3, "CeleryWorkersLow")]),
    "tocsin:celery_queue_length": (57, [("warning", ">", 20, "CeleryQueueBacklog")]),
    "tocsin:payment_failure_ratio": (0.011, [("critical", ">", 0.05, "PaymentFailures")]),
    "tocsin:payments_per_second": (2.4, []),
}  # fmt: skip


def rules_answer():
    """The data of Prometheus' /api/v1/rules for that story."""
    component = {spec.expr: owner.key for owner, spec in panels_in_order()}
    recording, alerting = [], []
    for name, (_, limits) in RECORDED.items():
        recording.append({
            "name": name, "query": f"avg({name.removeprefix('tocsin:')})", "type": "recording", "health": "ok",
            "labels": {}, "lastEvaluation": "2023-11-14T22:14:58.5Z", "evaluationTime": 0.0002,
        })  # fmt: skip
        for severity, op, limit, rule in limits:
            alerting.append({
                "name": rule, "query": f"{name} {op} {limit}", "type": "alerting", "health": "ok", "state": "inactive",
                "duration": 0, "keepFiringFor": 0, "alerts": [], "evaluationTime": 0.0003,
                "labels": {"severity": severity, "category": "performance", "component": component[name]},
                "annotations": {"summary": f"{rule} is over its limit"}, "lastEvaluation": "2023-11-14T22:14:58.5Z",
                "tocsin": {"file": "rules/stack.yml", "line": 12, "cooldown": 900, "max_alerts_per_hour": 4,
                           "thresholds": [{"expr": name, "op": op, "value": limit}]},
            })  # fmt: skip
    return {
        "groups": [
            {"name": "recording", "file": "rules/recording.yml", "interval": 5, "limit": 0, "rules": recording},
            {"name": "stack", "file": "rules/stack.yml", "interval": 5, "limit": 0, "rules": alerting},
        ]
    }


def instant_answer(now=NOW):
    return {
        "resultType": "vector",
        "result": [{"metric": {"__name__": name}, "value": [now, str(value)]} for name, (value, _) in RECORDED.items()],
    }


def range_answer(now=NOW):
    end = int(now) // STEP * STEP
    steps = range(end - PAST, end + 1, STEP)
    slopes = [(at, 0.8 + 0.2 * index / len(steps)) for index, at in enumerate(steps)]
    return {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": name}, "values": [[at, str(round(value * slope, 6))] for at, slope in slopes]}
            for name, (value, _) in RECORDED.items()
        ],
    }


def event(name="ApiSlow", *, status="firing", starts_at=NOW - 120, sent_at=NOW, annotations=None, **fields):
    labels = {"alertname": name, "severity": "warning", "category": "performance", "component": "fastapi"}
    labels |= fields.pop("labels", {})
    texts = {"summary": f"{name} summary", "description": "What it means", "action": "What to do", "action_link": "/x"}
    given = {
        "fingerprint": fingerprint(labels), "status": status, "labels": labels, "value": 0.182,
        "annotations": texts if annotations is None else annotations, "active_at": starts_at - 30,
        "starts_at": starts_at, "ends_at": sent_at if status == "resolved" else sent_at + 300, "sent_at": sent_at,
        "rule": RuleRef(name=name, group="stack", file="rules/stack.yml", expr="x > 1", cooldown_seconds=900,
                        max_alerts_per_hour=4),
    }  # fmt: skip
    return AlertEvent.model_validate({**given, **fields})


def resolved(firing, after):
    """The event of the same episode's end, so many seconds after."""
    end = firing.sent_at + after
    return firing.model_copy(update={"status": AlertStatus.RESOLVED, "sent_at": end, "ends_at": end})


def celery_down(**fields):
    return event(
        "CeleryDown",
        labels={"severity": "critical", "category": "system", "component": "celery", "impact": "outage"},
        annotations={
            "summary": "No Celery worker answers",
            "description": "0 of 4 workers are active; tasks wait and nothing is done.",
            "action": "Start the workers: systemctl start celery",
            "action_link": "https://runbooks.example.com/celery-down",
        },
        **{"value": 0.0, "starts_at": NOW - 300, **fields},
    )


def api_slow(**fields):
    return event(
        "ApiSlow",
        labels={"handler": "/orders"},
        annotations={
            "summary": "API responses are slow",
            "description": "182 ms on average (threshold: 100 ms)",
            "action": "Look for slow queries",
            "action_link": "/trends?metric=api_response_time",
        },
        **fields,
    )


def redis_resolved(**fields):
    return event(
        "RedisHitRateLow",
        status="resolved",
        labels={"component": "redis"},
        **{"starts_at": NOW - 1800, "sent_at": NOW - 900, "value": 0.86, **fields},
    )


def acknowledgement(alert_id, at=NOW - 200, by="sam", action_id="6f1c1f5e-0000-4000-8000-000000000001", **fields):
    return ActionEvent.model_validate(
        {"action_id": action_id, "kind": "acknowledge", "at": at, "by": by, "alert_id": alert_id, "comment": "On it."}
        | fields
    )


def heartbeats(now=NOW):
    return [
        Heartbeat(service=service, instance=f"host:{port}", at=now - 1, started_at=now - 3600, interval=5,
                  version="0.1.0", ready=True)
        for service, port in (("api", 8080), ("collector", 9700), ("evaluator", 9701))
    ]  # fmt: skip


def told_view():
    view = AlertView()
    for known in (celery_down(), api_slow(), redis_resolved()):
        view.apply_event(known)
    view.apply_action(acknowledgement(celery_down().alert_id))
    view.set_notifications({celery_down().alert_id: 2, api_slow().alert_id: 1}, view.ids())
    return view


def told_overview(view=None, now=NOW):
    overview = OverviewState(
        view or told_view(), stale_after=10, shown=("fastapi", "postgres", "redis", "websocket", "celery")
    )
    groups = RuleGroups.model_validate(rules_answer())
    index = index_rules(groups)
    overview.take_past(range_values(Matrix.model_validate(range_answer(now)), index))
    overview.take_rules(groups, index)
    external = [ExternalService(name="Payment gateway", status="up", seconds=0.12)]
    overview.take_values(instant_values(Vector.model_validate(instant_answer(now)), index), now, external)
    overview.take_heartbeats(heartbeats(now))
    return overview
