"""What community packs ask for and we don't give, each with the reason. Everything else must be there."""

ADDED_BY_A_SCRAPE = frozenset({"instance", "job", "cluster", "namespace"})
DROPPED_BY_ITS_EXPORTER = "server"
"""postgres_exporter wrote it until 0.17; rules group by it, which works without it as well."""

_REFRESH = "a metric of pgMonitor's own extension, which refreshes its materialized views"
NAMES = {
    "ccp_metric_matview_refresh_last_run_fail_count": _REFRESH,
    "ccp_metric_matview_refresh_longest_runtime_seconds": _REFRESH,
    "ccp_metric_table_refresh_last_run_fail_count": _REFRESH,
    "ccp_metric_table_refresh_longest_runtime_seconds": _REFRESH,
    "pg_settings_.*${settingsFilter}.*": "a dashboard's pattern, not a name; the settings are there",
}
LABELS = {
    ("celery_worker_up", "queue_name"): "a worker serves many queues; celery-exporter has no such label either",
    ("celery_worker_tasks_active", "queue_name"): "as celery_worker_up",
    ("fastapi_requests_in_progress", "path"): "a request's route is not known before the app has found it",
    ("pg_locks_count", "granted"): "it would double the series; pg_locks_waiting tells it",
    ("pg_settings_max_connections", "datname"): "a setting has no database; the rule groups both sides by it in vain",
    ("pg_settings_max_locks_per_transaction", "datname"): "as pg_settings_max_connections",
}

NOT_OURS = {
    "awesome-prometheus-alerts.pgbouncer": "PgBouncer is not a kind of target",
    "awesome-prometheus-alerts.prometheus-self-monitoring": "rules on the inside of a Prometheus and an Alertmanager",
}
"""Packs that ask for other servers' metrics; they are not counted."""

_JOIN = "a join that never matches"
RULES = {
    "PostgresqlTableNotAutoVacuumed": _JOIN,
    "PostgresqlTableNotAutoAnalyzed": _JOIN,
    "PostgresqlUnusedReplicationSlot": _JOIN,
    "PostgresqlTooManyLocksAcquired": _JOIN,
    "PostgreSQLHighConnectionUsage": _JOIN,
    "PostgreSQLBlockedQueries": "a label that no exporter writes",
    "PostgreSQLInactiveReplicationSlot": "looks for the slot where it can't be",
}
"""Rules that are wrong in themselves: rules/community has each put right, under the same name."""
EXTENSION = {
    "PGMonitorMatViewRefreshTime": _REFRESH,
    "PGMonitorTableRefreshTime": _REFRESH,
    "PGMonitorMatViewRefreshFail": _REFRESH,
    "PGMonitorTableRefreshFail": _REFRESH,
    "SQLExporterScrapeError": "sql_exporter's own metric; sql_last_scrape_error is ours",
}

PEERS = {
    "awesome-prometheus-alerts.blackbox": "9",
    "awesome-prometheus-alerts.postgresql": "10",
    "awesome-prometheus-alerts.redis": "11",
    "blackbox-exporter-mixin.alerts": "4",
    "celery-exporter-mixin.alerts": "3",
    "grafana-postgres-observ-lib.alerts": "12",
    "postgres_exporter-mixin.alerts": "13",
    "redis_exporter-mixin.alerts": "5",
}
"""How many rules could fire with the newest postgres_exporter, redis_exporter, celery-exporter and blackbox_exporter,
measured with a Prometheus on PostgreSQL 18 and Redis 7 (November 2026)."""
