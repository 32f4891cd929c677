"""Other Prometheus-compatible servers: rule groups evaluated there, recorded series written there."""
