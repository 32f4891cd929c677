"""Short ways to make what the notifier's tests talk about."""

from services.common.events import AlertEvent, AlertStatus, Muted, RuleRef
from services.common.labels import fingerprint
from services.notifier.engine import Engine, IntegrationInfo, Limits, Report
from services.notifier.routing import RouteSpec, build_tree
from services.notifier.state import State

START = 1_700_000_000.0


def event(
    name: str = "A",
    status: str = "firing",
    *,
    starts_at: float = START,
    sent_at: float | None = None,
    ends_at: float | None = None,
    muted: str = "",
    cooldown: float = 0.0,
    cap: int = 0,
    group: str = "g",
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> AlertEvent:
    given = {"alertname": name, **labels}
    sent = starts_at if sent_at is None else sent_at
    return AlertEvent(
        fingerprint=fingerprint(given),
        status=AlertStatus(status),
        labels=given,
        annotations=annotations or {"summary": f"{name} is wrong"},
        active_at=starts_at,
        starts_at=starts_at,
        ends_at=ends_at if ends_at is not None else (sent if status == "resolved" else sent + 240),
        sent_at=sent,
        rule=RuleRef(name=name, group=group, cooldown_seconds=cooldown, max_alerts_per_hour=cap),
        muted=Muted(muted),
    )


def engine(
    spec: RouteSpec | None = None,
    *,
    recipients: tuple[str, ...] = ("hook",),
    send_resolved: bool = True,
    limits: Limits | None = None,
) -> Engine:
    root = spec or RouteSpec(receiver="r", group_by=("alertname",), wait=10, interval=60, repeat=3600)
    names = {route.receiver for route in build_tree(root).walk()}
    info = IntegrationInfo("webhook/0", "webhook", send_resolved, recipients)
    return Engine(State(), build_tree(root), dict.fromkeys(names, (info,)), limits or Limits())


def apply(target: Engine, *events: AlertEvent, now: float) -> int:
    return target.apply([Report(item) for item in events], now)


def told(target: Engine) -> list[tuple[str, str, tuple[str, ...]]]:
    """Cause, status and alerts (name:status) of each outbox entry, in the order they were made."""
    return [
        (entry.cause.value, entry.status, tuple(f"{e.labels['alertname']}:{e.status.value}" for e in entry.alerts))
        for entry in target.state.queue.entries.values()
    ]
