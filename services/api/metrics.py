"""What the API tells about itself beside what all services tell."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class ApiMetrics:
    """The API's own metrics, on its own registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = Counter("tocsin_api_logins_total", "Logins by result.", ["result"], registry=registry)
        self.limited = Counter(
            "tocsin_api_rate_limited_total",
            "Requests refused with 429, by what was counted: the login, or the address without one.",
            ["by"],
            registry=registry,
        )
        self.recorded = Counter(
            "tocsin_api_history_recorded_total", "Stream entries written to the record.", ["stream"], registry=registry
        )
        self.dead = Counter(
            "tocsin_api_history_dead_total",
            "Entries that can't be recorded, kept aside.",
            ["reason"],
            registry=registry,
        )
        self.lag = Gauge(
            "tocsin_api_history_lag", "Entries not yet written to the record.", ["stream"], registry=registry
        )
        self.clients = Gauge("tocsin_api_live_clients", "Open WebSocket connections.", registry=registry)
        self.opened = Counter(
            "tocsin_api_live_opened_total",
            "WebSocket connections by how they start: with a snapshot, or resumed with what was missed.",
            ["start"],
            registry=registry,
        )
        self.dropped = Counter(
            "tocsin_api_live_dropped_total", "WebSocket connections that we closed.", ["reason"], registry=registry
        )
        self.firing = Gauge("tocsin_api_alerts_firing", "Alerts that fire, as the page shows them.", registry=registry)
        self.polls = Counter(
            "tocsin_api_evaluator_polls_total", "Questions to the evaluator by result.", ["result"], registry=registry
        )
        self.actions = Counter(
            "tocsin_api_actions_total", "What people did about alerts.", ["kind", "result"], registry=registry
        )
        self.event_delay = Histogram(
            "tocsin_api_alert_event_delay_seconds",
            "From the evaluator's sending of an event to its being on the page's view.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
            registry=registry,
        )
