-- name: all
SELECT id, name, description, key_hash, period_seconds, schedule, timezone, grace_seconds, created_by, failed, last_seconds,
       extract(epoch FROM created_at)::float8 AS created_at, extract(epoch FROM last_ping_at)::float8 AS last_ping_at,
       extract(epoch FROM last_success_at)::float8 AS last_success_at,
       extract(epoch FROM running_since)::float8 AS running_since
FROM checks WHERE $1::bigint IS NULL OR id = $1 ORDER BY name

-- name: count
SELECT count(*) FROM checks

-- name: insert
INSERT INTO checks (name, description, period_seconds, schedule, timezone, grace_seconds, key_hash, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8))
RETURNING id

-- name: update
UPDATE checks SET name = $2, description = $3, period_seconds = $4, schedule = $5, timezone = $6, grace_seconds = $7
WHERE id = $1 RETURNING id

-- name: renew_key
UPDATE checks SET key_hash = $2 WHERE id = $1 RETURNING name

-- name: delete
DELETE FROM checks WHERE id = $1 RETURNING name

-- name: ping
WITH before AS (
    SELECT id, CASE WHEN $3 IN ('success', 'fail') AND running_since IS NOT NULL
                    THEN $2::float8 - extract(epoch FROM started_at)::float8 END AS seconds
    FROM checks WHERE key_hash = $1 FOR UPDATE
)
UPDATE checks SET
    last_ping_at = to_timestamp($2::float8),
    last_success_at = CASE WHEN $3 = 'success' THEN to_timestamp($2::float8) ELSE last_success_at END,
    failed = CASE $3 WHEN 'success' THEN false WHEN 'fail' THEN true ELSE failed END,
    last_seconds = coalesce(before.seconds, last_seconds),
    started_at = CASE WHEN $3 = 'start' THEN to_timestamp($2::float8) ELSE started_at END,
    running_since = CASE $3 WHEN 'start' THEN coalesce(running_since, to_timestamp($2::float8))
                            WHEN 'log' THEN running_since END
FROM before WHERE checks.id = before.id
RETURNING checks.id, before.seconds

-- name: insert_ping
INSERT INTO check_pings (check_id, at, kind, seconds, log) VALUES ($1, to_timestamp($2::float8), $3, $4, $5)

-- name: trim_pings
DELETE FROM check_pings WHERE check_id = $1 AND id <= (
    SELECT id FROM check_pings WHERE check_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)

-- name: pings
SELECT extract(epoch FROM at)::float8 AS at, kind, seconds, log FROM check_pings WHERE check_id = $1 ORDER BY id DESC

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1::float8), $2, $3, $4, '{}')
