"""WebSocket connections and messages, as the app sees them; no library has a standard for these names."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class WebSocketMetrics:
    """The families; `path` is the route's template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge(
            "websocket_connections_active",
            "Connections that are open.",
            ["path"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections = Counter(
            "websocket_connections_total", "Connections that were accepted.", ["path"], registry=registry
        )
        self.disconnects = Counter(
            "websocket_disconnects_total",
            "Connections that ended, by close code (1006: without a close frame).",
            ["path", "code"],
            registry=registry,
        )
        self.messages = Counter(
            "websocket_messages_total", "Messages by direction: in or out.", ["path", "direction"], registry=registry
        )
        self.message_bytes = Counter(
            "websocket_message_bytes_total",
            "Bytes of messages by direction: in or out.",
            ["path", "direction"],
            registry=registry,
        )
        self.errors = Counter(
            "websocket_errors_total",
            "Errors by type: an exception's name, `rejected` (refused handshake) or `close_<code>`.",
            ["path", "type"],
            registry=registry,
        )
        self.message_seconds = Histogram(
            "websocket_message_duration_seconds",
            "Time from a received message to the app's first answer, or to its next receive where it sends none.",
            ["path"],
            buckets=_BUCKETS,
            registry=registry,
        )
