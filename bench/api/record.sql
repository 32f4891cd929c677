-- name: series
-- One of six stands alone, the others are five of a metric.
INSERT INTO metric_series (digest, metric, labels, last_at)
SELECT sha256(format('%s %s', metric, labels)::bytea), metric, labels, to_timestamp($2)
FROM generate_series(0, $1::int - 1) AS number,
LATERAL (
    SELECT CASE WHEN number % 6 = 0 THEN 'shop:single_' ELSE 'shop:metric_' END || number / 6 AS metric,
           CASE WHEN number % 6 = 0 THEN '{}' ELSE jsonb_build_object('instance', 'host-' || number % 6 - 1) END AS labels
) AS made
RETURNING series_id

-- name: alerts
-- Thirteen months; the texts and labels of 2,000 hosts, 60 rules and 6 components.
INSERT INTO alert_history (
    alert_id, fingerprint, status, name, severity, category, component, labels, annotations, rule, value, active_at,
    starts_at, ends_at, last_event_at)
SELECT fingerprint || '-' || (begin * 1000)::bigint, fingerprint, 'resolved', name, severity, category, component,
       jsonb_build_object('alertname', name, 'severity', severity, 'component', component, 'instance', host || ':9100', 'job', 'node'),
       jsonb_build_object('summary', what || ' on ' || host, 'description', 'The value is ' || n % 97 || ' for 5 minutes.',
                          'action', 'Look at the host and its neighbours.', 'runbook_url', 'https://runbooks.example/' || name),
       jsonb_build_object('name', name, 'group', component, 'file', 'rules/stack.yml', 'expr', 'value > 90', 'for_seconds', 60,
                          'cooldown_seconds', 900, 'max_alerts_per_hour', 4),
       n % 97, to_timestamp(begin - 60), to_timestamp(begin), to_timestamp(begin + 300 + n % 900), to_timestamp(begin + 1200)
FROM generate_series(1, $1::int) AS n,
LATERAL (
    SELECT 'Rule' || hash % 60 AS name, 'host-' || hash / 60 % 2000 AS host,
           (ARRAY['critical', 'warning', 'warning', 'warning', 'warning', 'info'])[1 + hash % 6] AS severity,
           (ARRAY['performance', 'performance', 'system', 'security'])[1 + hash % 4] AS category,
           (ARRAY['fastapi', 'postgres', 'redis', 'celery', 'websocket', 'payments'])[1 + hash / 7 % 6] AS component,
           (ARRAY['High latency', 'Queue is growing', 'Disk is filling', 'Too many errors', 'Memory is short'])[1 + hash % 5] AS what,
           $2::float8 - (n::float8 / $1) * 395 * 86400 AS begin, md5(n::text) AS digest
    FROM (SELECT abs(hashint4(n)) AS hash) AS hashed
) AS made, LATERAL (SELECT left(digest, 16) AS fingerprint) AS named

-- name: notifications
INSERT INTO notifications (
    attempt_id, delivery_id, at, alert_ids, status, cause, group_key, receiver, channel, recipient, attempt, result, duration_seconds)
SELECT gen_random_uuid(), alert_id, starts_at + interval '1 second', ARRAY[alert_id], 'firing', 'new', component, 'team', 'email',
       'sre@example.com', 1, 'delivered', 0.2
FROM alert_history
