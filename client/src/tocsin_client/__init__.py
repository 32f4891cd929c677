"""Tocsin for watched apps: an ASGI middleware, timers of queries and outgoing calls, payments, jobs, Celery's stamp."""

from tocsin_client.asgi import TocsinMiddleware
from tocsin_client.asyncpg_hook import watch_asyncpg
from tocsin_client.celery_hook import stamp_sent_at
from tocsin_client.exposition import MetricsApp
from tocsin_client.jobs import Job
from tocsin_client.outgoing import OutgoingCalls, watch_httpx
from tocsin_client.payments import Outcome, Payments
from tocsin_client.queries import QueryTimer
from tocsin_client.sessions import ActiveSessions
from tocsin_client.sqlalchemy_hook import watch_sqlalchemy

__all__ = [
    "ActiveSessions",
    "Job",
    "MetricsApp",
    "Outcome",
    "OutgoingCalls",
    "Payments",
    "QueryTimer",
    "TocsinMiddleware",
    "stamp_sent_at",
    "watch_asyncpg",
    "watch_httpx",
    "watch_sqlalchemy",
]
