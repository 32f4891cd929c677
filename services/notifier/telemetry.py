"""What the notifier tells about itself."""

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import Telemetry


class NotifierMetrics:
    """The notifier's own metrics on the service's registry."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.attempts = Counter(
            "tocsin_notifier_attempts",
            "Attempts to deliver a message; reason is empty for delivered ones.",
            ["channel", "result", "reason"],
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "tocsin_notifier_attempt_duration_seconds",
            "Time of one attempt.",
            ["channel"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.delivery_seconds = Histogram(
            "tocsin_notifier_delivery_seconds",
            "From the moment a message was due until it was delivered.",
            ["channel"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
            registry=registry,
        )
        self.messages = Counter(
            "tocsin_notifier_messages", "Messages of groups that came due.", ["cause"], registry=registry
        )
        self.events = Counter(
            "tocsin_notifier_events",
            "Reports of alerts taken in, by where they came from.",
            ["source"],
            registry=registry,
        )
        self.dead = Counter(
            "tocsin_notifier_dead_entries",
            "Stream entries that can't be read.",
            ["stream", "reason"],
            registry=registry,
        )
        self.actions = Counter(
            "tocsin_notifier_actions",
            "Actions of people; result is done or why not.",
            ["kind", "result"],
            registry=registry,
        )
        self.hooks = Counter(
            "tocsin_notifier_provider_calls",
            "Calls of providers; result is done or why they were refused.",
            ["channel", "result"],
            registry=registry,
        )
        self.answers = Counter(
            "tocsin_notifier_link_answers",
            "Answers by a mail's link; result is done or why they were refused.",
            ["result"],
            registry=registry,
        )
        self.unreached = Gauge(
            "tocsin_notifier_reaches_nobody",
            "Contacts, schedules and escalation steps of the configuration that would reach nobody.",
            registry=registry,
        )
        self.preferences_ignored = Gauge(
            "tocsin_notifier_preferences_ignored",
            "People's own preferences that can't be followed.",
            registry=registry,
        )
        self.overrides_ignored = Gauge(
            "tocsin_notifier_overrides_ignored",
            "Takeovers of a schedule's duty that can't be followed.",
            registry=registry,
        )
        self.held = Gauge(
            "tocsin_notifier_held_alerts", "Alerts that wait for a digest, by reason.", ["reason"], registry=registry
        )
        self.escalations = Gauge(
            "tocsin_notifier_escalations", "Escalations that have a step to come.", registry=registry
        )
        self.outbox = Gauge("tocsin_notifier_outbox_entries", "Messages not yet delivered.", registry=registry)
        self.outbox_age = Gauge(
            "tocsin_notifier_outbox_oldest_age_seconds",
            "Age of the oldest message not yet delivered.",
            registry=registry,
        )
        self.groups = Gauge("tocsin_notifier_groups", "Groups of alerts.", registry=registry)
        self.alerts = Gauge("tocsin_notifier_alerts", "Episodes known, by status.", ["status"], registry=registry)
        self.lag = Gauge(
            "tocsin_notifier_stream_lag", "Stream entries not yet dealt with.", ["stream"], registry=registry
        )
        self.queued_attempts = Gauge(
            "tocsin_notifier_attempt_records_queued",
            "Records of attempts that Postgres does not have yet.",
            registry=registry,
        )
        self.dropped_attempts = Gauge(
            "tocsin_notifier_attempt_records_dropped", "Records of attempts lost over the bound.", registry=registry
        )
        self.active = Gauge(
            "tocsin_notifier_active", "1 while this copy works, 0 while another does.", registry=registry
        )
