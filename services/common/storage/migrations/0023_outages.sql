-- For uptimes: outages are few among many alerts.

CREATE INDEX alert_history_outages ON alert_history (starts_at) WHERE labels->>'impact' = 'outage';
CREATE INDEX audit_log_page ON audit_log (id DESC, actor);
