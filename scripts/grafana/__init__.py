"""Makes deploy/grafana's dashboards from their short descriptions."""
