"""Heartbeat checks: jobs report by HTTP, and one that does not report in time is down."""
