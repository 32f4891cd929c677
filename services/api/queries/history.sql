-- name: upsert_alerts
INSERT INTO alert_history AS known (
    alert_id, fingerprint, status, name, severity, category, component, labels, annotations, rule, value,
    active_at, starts_at, ends_at, last_event_at, muted, muted_until, flapping)
SELECT alert_id, fingerprint, status, name, severity, category, component, labels, annotations, rule, value,
       to_timestamp(active_at), to_timestamp(starts_at), to_timestamp(ends_at), to_timestamp(sent_at), muted,
       to_timestamp(muted_until), flapping
FROM jsonb_to_recordset($1::jsonb) AS event (
    alert_id text, fingerprint text, status text, name text, severity text, category text, component text,
    labels jsonb, annotations jsonb, rule jsonb, value float8, active_at float8, starts_at float8, ends_at float8,
    sent_at float8, muted text, muted_until float8, flapping boolean)
ON CONFLICT (alert_id) DO UPDATE SET
    status = EXCLUDED.status, name = EXCLUDED.name, severity = EXCLUDED.severity, category = EXCLUDED.category,
    component = EXCLUDED.component, labels = EXCLUDED.labels, annotations = EXCLUDED.annotations, rule = EXCLUDED.rule,
    value = EXCLUDED.value, active_at = EXCLUDED.active_at, ends_at = EXCLUDED.ends_at,
    last_event_at = EXCLUDED.last_event_at, muted = EXCLUDED.muted, muted_until = EXCLUDED.muted_until,
    flapping = EXCLUDED.flapping
-- An event that comes late or twice changes nothing.
WHERE (EXCLUDED.last_event_at, EXCLUDED.status = 'resolved') >= (known.last_event_at, known.status = 'resolved')

-- name: lock_alerts
SELECT alert_id FROM alert_history WHERE alert_id = ANY($1::text[]) ORDER BY alert_id FOR UPDATE

-- name: insert_action
INSERT INTO alert_actions (action_id, alert_id, kind, at, by, comment, until)
VALUES ($1, $2, $3, to_timestamp($4), $5, $6, to_timestamp($7))
ON CONFLICT (action_id) DO NOTHING

-- name: refresh_acknowledged
-- The earliest acknowledgement since the last un-acknowledgement counts, in whatever order they are stored.
UPDATE alert_history known
SET acknowledged_at = first.at, acknowledged_by = first.by, acknowledge_comment = first.comment,
    acknowledged_until = first.until
FROM unnest($1::text[]) AS wanted (alert_id)
LEFT JOIN LATERAL (
    SELECT at, by, comment, until FROM alert_actions given
    WHERE given.alert_id = wanted.alert_id AND given.kind = 'acknowledge'
      AND given.at > coalesce((SELECT max(taken.at) FROM alert_actions taken
                               WHERE taken.alert_id = wanted.alert_id AND taken.kind = 'unacknowledge'), '-infinity')
    ORDER BY given.at, given.action_id LIMIT 1
) first ON true
WHERE known.alert_id = wanted.alert_id

-- name: audit_action
INSERT INTO audit_log (action_id, at, actor, action, target, detail)
VALUES ($1, to_timestamp($2), $3, $4, $5, $6::jsonb)
ON CONFLICT (action_id) DO NOTHING

-- name: labels_since
SELECT labels FROM alert_history WHERE starts_at > to_timestamp($1) ORDER BY starts_at DESC LIMIT 10000

-- name: recent
SELECT *, extract(epoch FROM active_at)::float8 AS active, extract(epoch FROM starts_at)::float8 AS starts,
       extract(epoch FROM ends_at)::float8 AS ends, extract(epoch FROM last_event_at)::float8 AS heard,
       extract(epoch FROM muted_until)::float8 AS muted_end, extract(epoch FROM acknowledged_at)::float8 AS acknowledged,
       extract(epoch FROM acknowledged_until)::float8 AS acknowledged_end
FROM alert_history
-- What resolved is told again for a quarter of an hour.
WHERE status = 'firing' OR (status = 'resolved' AND ends_at > to_timestamp($1) - interval '15 minutes')
ORDER BY starts_at

-- name: page
SELECT *, extract(epoch FROM active_at)::float8 AS active, extract(epoch FROM starts_at)::float8 AS starts,
       extract(epoch FROM ends_at)::float8 AS ends, extract(epoch FROM last_event_at)::float8 AS heard,
       extract(epoch FROM muted_until)::float8 AS muted_end, extract(epoch FROM acknowledged_at)::float8 AS acknowledged,
       extract(epoch FROM acknowledged_until)::float8 AS acknowledged_end
FROM alert_history
WHERE true
ORDER BY starts_at DESC, alert_id DESC

-- name: plan_each
SET LOCAL plan_cache_mode = force_custom_plan

-- name: one
SELECT *, extract(epoch FROM active_at)::float8 AS active, extract(epoch FROM starts_at)::float8 AS starts,
       extract(epoch FROM ends_at)::float8 AS ends, extract(epoch FROM last_event_at)::float8 AS heard,
       extract(epoch FROM muted_until)::float8 AS muted_end, extract(epoch FROM acknowledged_at)::float8 AS acknowledged,
       extract(epoch FROM acknowledged_until)::float8 AS acknowledged_end
FROM alert_history WHERE alert_id = $1

-- name: actions
SELECT action_id::text, kind, extract(epoch FROM at)::float8 AS at, by, comment
FROM alert_actions WHERE alert_id = $1 ORDER BY at, action_id

-- name: notifications
SELECT extract(epoch FROM at)::float8 AS at, status, cause, receiver, channel, recipient, attempt, result, reason, detail
FROM notifications WHERE alert_ids @> ARRAY[$1::text] ORDER BY at, attempt LIMIT 500

-- name: told
-- What became of some alerts: messages delivered, attempts at it, comments.
SELECT wanted.alert_id, coalesce(sent.delivered, 0)::int AS delivered, coalesce(sent.attempts, 0)::int AS attempts,
       (SELECT count(*) FROM alert_notes note
        WHERE note.alert_id = wanted.alert_id AND note.kind = 'comment')::int AS comments
FROM unnest($1::text[]) AS wanted (alert_id)
LEFT JOIN (
    SELECT alert_id, count(DISTINCT delivery_id) FILTER (WHERE result = 'delivered') AS delivered,
           count(*) FILTER (WHERE result IN ('delivered', 'temporary_failure', 'permanent_failure')) AS attempts
    FROM notifications CROSS JOIN LATERAL unnest(alert_ids) AS alert_id
    WHERE alert_ids && $1::text[] AND alert_id = ANY($1::text[])
    GROUP BY alert_id
) sent USING (alert_id)

-- name: notification_counts
SELECT alert_id, count(DISTINCT delivery_id)::int AS delivered
FROM notifications CROSS JOIN LATERAL unnest(alert_ids) AS alert_id
WHERE alert_ids && $1::text[] AND alert_id = ANY($1::text[]) AND result = 'delivered'
GROUP BY alert_id
