"""Tocsin: watches a FastAPI, Postgres, Redis, Celery and WebSocket stack and gets the right person to act."""

__version__ = "0.1.0"
