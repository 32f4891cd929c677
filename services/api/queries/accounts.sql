-- name: all
SELECT u.id, u.username, u.role, extract(epoch FROM u.created_at)::float8 AS created_at, u.disabled_at IS NOT NULL AS disabled,
       u.oidc_subject IS NOT NULL AS single_sign_on,
       (SELECT count(*)::int FROM sessions s WHERE s.user_id = u.id AND s.expires_at > to_timestamp($1)) AS sessions,
       (SELECT extract(epoch FROM max(s.last_seen_at))::float8 FROM sessions s WHERE s.user_id = u.id) AS last_seen_at
FROM users u ORDER BY u.username

-- name: insert
INSERT INTO users (username, password_hash, role) VALUES ($1, $2, $3) RETURNING id

-- name: lock_admins
-- Two admins who demote each other at once must not both succeed.
SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE

-- name: find
SELECT id, username, role, disabled_at IS NOT NULL AS disabled FROM users WHERE id = $1 FOR UPDATE

-- name: change
UPDATE users SET role = coalesce($2, role), password_hash = coalesce($3, password_hash),
    disabled_at = CASE WHEN $4::boolean IS NULL THEN disabled_at WHEN $4 THEN coalesce(disabled_at, now()) END
WHERE id = $1

-- name: end_sessions
DELETE FROM sessions WHERE user_id = $1 AND ($2::bytea IS NULL OR token_hash <> $2)

-- name: own
SELECT id, password_hash FROM users WHERE username = $1 AND disabled_at IS NULL

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1), $2, $3, $4, $5::jsonb)

-- name: audit_page
SELECT id, extract(epoch FROM at)::float8 AS at, actor, action, target, detail FROM audit_log
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
ORDER BY id DESC LIMIT $4
