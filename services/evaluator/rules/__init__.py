"""Rules: Prometheus rule files, the alert state machine, and when a group is evaluated."""
