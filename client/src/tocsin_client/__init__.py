"""Tocsin for watched apps: one import gives an ASGI middleware, payment counters and query timers."""

from tocsin_client.asgi import TocsinMiddleware
from tocsin_client.celery_hook import stamp_sent_at
from tocsin_client.exposition import MetricsApp
from tocsin_client.payments import Outcome, Payments
from tocsin_client.queries import QueryTimer
from tocsin_client.sessions import ActiveSessions

__all__ = ["ActiveSessions", "MetricsApp", "Outcome", "Payments", "QueryTimer", "TocsinMiddleware", "stamp_sent_at"]
