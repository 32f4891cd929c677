"""A small world in the API's own models: what the stand-in API tells the page."""

import math
from typing import Any

from services.api.alerts.model import (
    Acknowledgement,
    Alert,
    AlertDetail,
    AlertRule,
    RecordedAlert,
    TimelineEntry,
    Verdict,
)
from services.api.checks.book import describe
from services.api.errors.model import ErrorExample, ErrorGroup, Errors
from services.api.overview.evaluated import RuleIndex
from services.api.overview.health import build_components, overall_status
from services.api.overview.model import ExternalService, Health, Panel, Realtime, ServiceHealth, Threshold
from services.api.overview.panels import COMPONENTS
from services.api.overview.spec import PanelSpec

VALUES: dict[str, tuple[float | None, tuple[tuple[str, str, float, str], ...]]] = {
    "api_response_time": (
        0.0847,
        (("warning", ">", 0.1, "HighApiResponseTime"), ("critical", ">", 1.0, "CriticalApiResponseTime")),
    ),
    "error_rate": (0.0021, (("critical", ">", 0.01, "HighApiErrorRate"),)),
    "api_uptime": (0.99987, (("warning", "<", 0.999, "LowApiUptime"),)),
    "active_sessions": (412, ()),
    "api_requests": (187.4, ()),
    "payment_failures": (0.004, (("critical", ">", 0.05, "HighPaymentFailureRate"),)),
    "payments": (3.2, ()),
    "db_connections": (0.41, (("warning", ">", 0.8, "HighPostgresConnections"),)),
    "db_query_p95": (0.0183, (("warning", ">", 0.05, "SlowPostgresQueries"),)),
    "db_disk": (0.57, (("warning", ">", 0.8, "HighPostgresDisk"),)),
    "cache_hit_rate": (0.962, (("warning", "<", 0.9, "LowRedisHitRate"),)),
    "memory": (0.63, (("warning", ">", 0.8, "HighRedisMemory"),)),
    "redis_clients": (37, (("warning", ">", 100, "HighRedisClients"),)),
    "websocket_connections": (128, (("warning", ">", 1000, "HighWebSocketConnections"),)),
    "websocket_latency": (0.0126, (("warning", ">", 0.1, "HighWebSocketLatency"),)),
    "websocket_errors": (0.0004, (("warning", ">", 0.005, "HighWebSocketErrorRate"),)),
    "celery_workers": (4, (("critical", "<", 3, "FewCeleryWorkers"),)),
    "celery_queue": (6, (("warning", ">", 20, "CeleryQueueBacklog"),)),
    "celery_failures": (0.0, (("warning", ">", 0.02, "HighCeleryFailureRate"),)),
}
_BREACHES = {">": float.__gt__, "<": float.__lt__}
SPARK_POINTS = 60
SPARK_STEP = 15.0


def _spark(key: str, value: float, now: float) -> list[tuple[float, float]]:
    seed = sum(map(ord, key))
    points = []
    for index in range(SPARK_POINTS):
        left = SPARK_POINTS - 1 - index
        wave = math.sin((index + seed) / 5.0) * 0.02 + math.sin((index * 7 + seed) / 3.0) * 0.008
        fade = min(left, 10) / 10
        moved = value * (1 + wave * fade)
        points.append((now - left * SPARK_STEP, min(moved, 1.0) if value <= 1 else moved))
    return points


def panel(spec: PanelSpec, component: str, now: float, changed: dict[str, float | None]) -> Panel:
    usual, limits = VALUES[spec.key]
    value = changed.get(spec.key, usual)
    thresholds = [
        Threshold.model_validate({"severity": severity, "op": op, "value": limit, "rule": rule})
        for severity, op, limit, rule in limits
    ]
    breached = [
        limit.severity for limit in thresholds if value is not None and _BREACHES[limit.op](float(value), limit.value)
    ]
    status = "unknown" if value is None else "critical" if "critical" in breached else (breached or ["ok"])[0]
    spark = [] if value is None or usual is None else _spark(spec.key, usual, now)
    if spec.key in changed and value is not None:
        spark = [(at, old if at < now - 120 else value) for at, old in spark]
    change = None if value is None or not usual else (value - usual) / usual
    trend = "none" if change is None else "flat" if abs(change) < 0.02 else "up" if change > 0 else "down"
    return Panel.model_validate(
        {
            "key": spec.key,
            "title": spec.title,
            "component": component,
            "unit": spec.unit,
            "value": value,
            "change": change,
            "trend": trend,
            "status": status,
            "thresholds": thresholds,
            "spark": spark,
            "grid": spec.grid > 0,
        }
    )


def realtime(now: float, changed: dict[str, float | None]) -> Realtime:
    pairs = [(component.key, spec) for component in COMPONENTS for spec in component.panels]
    ordered = sorted(pairs, key=lambda pair: pair[1].grid or len(pairs))
    return Realtime(at=now, panels=[panel(spec, component, now, changed) for component, spec in ordered])


def health(now: float, metrics: Realtime, alerts: list[Alert], missing: tuple[str, ...] = ()) -> Health:
    shown = [component.key for component in COMPONENTS if component.card]
    index = RuleIndex(checked=dict.fromkeys(shown, now - 3))
    components = build_components(metrics.panels, alerts, index, reachable=True, shown=shown)
    services = [
        ServiceHealth(service=name, instance=f"{name}-1", ready=True, detail="", at=now - 1, version="0.1.0")
        for name in ("collector", "evaluator", "notifier", "api")
        if name not in missing
    ]
    overall = overall_status([component.status for component in components], alerts, reachable=True)
    external = [ExternalService(name="Payment gateway", status="up", seconds=0.12)]
    return Health(
        at=now, overall=overall, components=components, external=external, services=services,
        missing_services=list(missing),
    )  # fmt: skip


def alert(name: str, *, now: float, **changes: Any) -> Alert:
    """An alert that began 90 s before; every field can be set."""
    content: dict[str, Any] = {
        "id": f"01-{name}",
        "fingerprint": f"{sum(map(ord, name)):016x}",
        "name": name,
        "status": "firing",
        "severity": "warning",
        "category": "performance",
        "component": "celery",
        "summary": "High Celery queue backlog",
        "description": "47 tasks pending (threshold: 20)",
        "action": "Scale up Celery workers or investigate slow tasks",
        "action_link": "/#component-celery",
        "value": 47.0,
        "labels": {"alertname": name, "queue": "celery", "instance": "shop:9800"},
        "annotations": {},
        "active_at": now - 210,
        "starts_at": now - 90,
        "ends_at": None,
        "acknowledged": None,
        "muted": "",
        "muted_until": None,
        "flapping": False,
        "rule": AlertRule(
            name=name,
            group="celery",
            file="rules/celery.yml",
            expr="tocsin:celery_queue_length > 20",
            for_seconds=120,
            cooldown_seconds=900,
            max_alerts_per_hour=4,
        ),
        "notifications": 1,
        **changes,
    }
    return Alert.model_validate(content)


def backlog(now: float, **changes: Any) -> Alert:
    return alert("CeleryQueueBacklog", now=now, **changes)


def postgres_down(now: float, **changes: Any) -> Alert:
    content: dict[str, Any] = {
        "severity": "critical",
        "category": "system",
        "component": "postgres",
        "summary": "PostgreSQL does not answer",
        "description": "No connection to shop-db:5432 for 45 s: connection refused",
        "action": "Check that PostgreSQL runs and accepts connections",
        "action_link": "https://runbooks.example/postgres-down",
        "value": 0.0,
        "labels": {"alertname": "PostgresDown", "impact": "outage", "instance": "shop-db:5432"},
        "starts_at": now - 45,
        **changes,
    }
    return alert("PostgresDown", now=now, **content)


def past(now: float, count: int = 12) -> list[Alert]:
    """Resolved alerts, newest first."""
    kinds = (
        ("HighApiResponseTime", "API answers slowly", "warning", "fastapi"),
        ("LowRedisHitRate", "Redis hit rate is low", "warning", "redis"),
        ("HighPaymentFailureRate", "Many payments fail", "critical", "payments"),
    )
    found = []
    for index in range(count):
        name, summary, severity, component = kinds[index % len(kinds)]
        start = now - 3600 * (index + 1) - 137
        found.append(
            alert(
                name,
                now=now,
                id=f"00-{index}",
                summary=summary,
                severity=severity,
                component=component,
                status="resolved",
                starts_at=start,
                ends_at=start + 240 + index * 61,
            )
        )
    return found


def acknowledged(of: Alert, by: str, at: float, comment: str) -> Alert:
    return of.model_copy(update={"acknowledged": Acknowledgement(by=by, at=at, comment=comment)})


def recorded(of: Alert, verdict: Verdict | None) -> RecordedAlert:
    return RecordedAlert(
        **dict(of),
        attempts=of.notifications + 1,
        comments=0,
        verdict=verdict.verdict if verdict else None,
        auto_resolved=of.status == "resolved" and of.acknowledged is None,
    )


def detail(of: Alert) -> AlertDetail:
    timeline = [
        TimelineEntry(at=of.active_at, kind="active", text="The condition first held."),
        TimelineEntry(at=of.starts_at, kind="firing", text=of.summary),
        TimelineEntry(
            at=of.starts_at + 0.4,
            kind="notification",
            text="Failed, tried again (firing)",
            channel="email",
            recipient="oncall@shop.example",
            result="temporary_failure",
            reason="connection_refused",
        ),
        TimelineEntry(
            at=of.starts_at + 5.1,
            kind="notification",
            text="Delivered (firing, attempt 2)",
            channel="email",
            recipient="oncall@shop.example",
            result="delivered",
        ),
    ]
    if of.acknowledged is not None:
        done = of.acknowledged
        timeline.append(TimelineEntry(at=done.at, kind="acknowledged", by=done.by, text=done.comment))
    if of.ends_at is not None:
        timeline.append(TimelineEntry(at=of.ends_at, kind="resolved", text="The condition holds no more."))
    return AlertDetail.model_validate({**of.model_dump(), "timeline": timeline, "verdict": None, "complete": True})


def checks(now: float) -> list[dict[str, Any]]:
    """One check of each state."""
    row = {
        "period_seconds": 3600.0,
        "schedule": None,
        "timezone": "UTC",
        "grace_seconds": 60.0,
        "created_by": "ana",
        "failed": False,
        "last_seconds": 12.5,
        "created_at": now - 90_000,
        "last_ping_at": now - 4000,
        "last_success_at": now - 60,
        "running_since": None,
    }
    told: dict[str, dict[str, Any]] = {
        "archive": {"failed": True},
        "backup": {},
        "invoices": {"period_seconds": None, "schedule": "30 18 * * mon-fri", "timezone": "Europe/Berlin"},
        "mail": {"last_success_at": now - 3630},
        "new": {"last_success_at": None, "last_ping_at": None, "last_seconds": None, "description": "Not put in yet"},
        "report": {"running_since": now - 10},
    }
    return [
        describe({**row, "id": number, "name": name, "description": "", **change}, now).model_dump(mode="json")
        for number, (name, change) in enumerate(told.items(), 1)
    ]


def errors(now: float) -> dict[str, Any]:
    """Two kinds of errors of the shop."""
    hour = int(now) // 3600 * 3600
    kinds = [("error", "PaymentError", "payment <n> failed", 42), ("critical", "", "no space left on <path>", 1)]
    found = Errors(
        at=now,
        configured=True,
        total=len(kinds),
        services=["shop"],
        missing=[],
        errors=[
            ErrorGroup(
                service="shop",
                target="shop-log",
                fingerprint=f"f{count:015x}",
                level=level,
                type=kind,
                message=message,
                first_seen=now - 80_000,
                last_seen=now - 30,
                count=count,
                trend=[(hour - 3600 * back, count if back == 0 else 0) for back in range(23, -1, -1)],
                example=ErrorExample(
                    at=now - 30,
                    message=message.replace("<n>", "17"),
                    traceback='Traceback (most recent call last):\n  File "shop/pay.py", line 7, in pay\n',
                    logger="shop.pay",
                    file="/var/log/shop/shop.log",
                    fields={},
                ),
            )
            for level, kind, message, count in kinds
        ],
    )
    return found.model_dump(mode="json")
