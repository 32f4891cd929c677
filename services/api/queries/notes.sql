-- name: insert_note
-- Nothing is inserted for an alert that the record does not have.
INSERT INTO alert_notes (alert_id, at, by, kind, text)
SELECT alert_id, to_timestamp($2), $3, $4, $5 FROM alert_history WHERE alert_id = $1
RETURNING note_id

-- name: set_verdict
UPDATE alert_history SET verdict = $2, verdict_by = $3, verdict_at = to_timestamp($4) WHERE alert_id = $1

-- name: notes
SELECT extract(epoch FROM at)::float8 AS at, by, kind, text FROM alert_notes WHERE alert_id = $1 ORDER BY at, note_id

-- name: verdict
SELECT verdict, verdict_by AS by, extract(epoch FROM verdict_at)::float8 AS at
FROM alert_history WHERE alert_id = $1 AND verdict IS NOT NULL

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1), $2, $3, $4, $5::jsonb)
