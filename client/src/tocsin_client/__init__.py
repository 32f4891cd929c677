"""Tocsin for watched apps: one import gives an ASGI middleware and counters."""
