"""People and an engine that tells them; no channel is built."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.notifier.engine import Engine, IntegrationInfo, Limits
from services.notifier.grouping import Cause
from services.notifier.people.contacts import Contact, Way
from services.notifier.people.directory import Directory, Reached
from services.notifier.people.policies import Policy, Target
from services.notifier.people.quiet_hours import QuietHours
from services.notifier.people.schedules import Schedule
from services.notifier.routing import RouteSpec, build_tree
from services.notifier.state import State

ALL = frozenset({"critical", "warning", "info"})


def at(text: str, zone: str = "UTC") -> float:
    """The moment of an ISO time in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def shown(moment: float, zone: str = "UTC") -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def way(channel: str, *severities: str, number: int = 0, to: str = "", **more) -> Way:
    return Way(f"{channel}/{number}", channel, (to or f"{channel}-address",), frozenset(severities) or ALL, **more)


def contact(name: str = "anna", *ways: Way, **more) -> Contact:
    return Contact(name, ways=ways or (way("email", to=f"{name}@x"), way("sms", to=f"{name}-phone")), **more)


def nights(**more) -> QuietHours:
    fields = {"time_zone": "Europe/Berlin", "from": "22:00", "to": "08:00", **more}
    return QuietHours.model_validate(fields)


def directory(
    *contacts: Contact,
    targets: tuple[dict, ...] = (),
    policy: dict | None = None,
    schedule: dict | None = None,
    storm=None,
) -> Directory:
    policies = [Policy.model_validate({"name": "ops", **policy})] if policy else []
    schedules = [Schedule.model_validate({"name": "primary", **schedule})] if schedule else []
    return Directory(
        {one.name: one for one in contacts},
        {one.name: one for one in schedules},
        {one.name: one for one in policies},
        {"r": Reached(tuple(Target.model_validate(one) for one in targets), tuple(one.name for one in policies))},
        storm,
    )


def people_engine(people: Directory, *, repeat: float = 3600, others: bool = False, follows: bool = False) -> Engine:
    spec = RouteSpec(receiver="r", group_by=("alertname",), wait=0, interval=60, repeat=repeat)
    causes = frozenset({Cause.ACKNOWLEDGED}) if follows else frozenset()
    info = IntegrationInfo("webhook/0", "webhook", send_resolved=True, recipients=("hook",), follows=causes)
    receivers = {"r": (info,) if others else (), "slack-ops": (info,)}
    return Engine(State(), build_tree(spec), receivers, Limits(), directory=people)


def sent(engine: Engine) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Takes what is in the outbox out, as if delivered: recipient, channel, cause, alerts as name:status."""
    found = []
    for entry in list(engine.state.queue.entries.values()):
        alerts = tuple(f"{one.labels['alertname']}:{one.status.value}" for one in entry.alerts)
        found.append((entry.recipient, entry.channel, entry.cause.value, alerts))
        engine.state.drop_entry(entry.delivery_id)
    return found


def decided(engine: Engine) -> list[tuple[str, str]]:
    """Takes the recorded decisions out: reason and detail."""
    found = []
    for key, one in list(engine.state.attempts.items()):
        if one.result.value in {"suppressed", "noted"}:
            found.append((one.reason, one.detail))
        engine.state.drop_attempt(key)
    return found


def run_to(engine: Engine, now: float) -> None:
    """Let time pass: look at each timer at its own moment."""
    for _ in range(10_000):
        timer = engine.state.next_timer()
        if timer is None or timer > now:
            break
        engine.flush_due(timer)
    engine.flush_due(now)
