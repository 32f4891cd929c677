-- name: insert_attempt
INSERT INTO notifications (
    attempt_id, delivery_id, at, alert_ids, status, cause, group_key, receiver, channel, recipient, attempt, result,
    reason, detail, provider_id, duration_seconds
) VALUES ($1, $2, to_timestamp($3), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (attempt_id) DO NOTHING;
