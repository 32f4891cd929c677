"""Checks from outside: how each phase of an HTTP request or a WebSocket connection went."""
