-- name: find_login
SELECT id, username, password_hash, role FROM users WHERE username = $1 AND disabled_at IS NULL

-- name: rehash
UPDATE users SET password_hash = $2 WHERE id = $1

-- name: insert_session
INSERT INTO sessions (token_hash, user_id, csrf_token, created_at, last_seen_at, expires_at)
VALUES ($1, $2, $3, to_timestamp($4), to_timestamp($4), to_timestamp($5))

-- name: find_session
SELECT u.username, u.role, s.csrf_token, extract(epoch FROM s.expires_at)::float8 AS expires_at
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.token_hash = $1 AND s.expires_at > to_timestamp($2) AND u.disabled_at IS NULL

-- name: touch_session
UPDATE sessions SET last_seen_at = to_timestamp($2)
WHERE token_hash = $1 AND last_seen_at < to_timestamp($2) - interval '5 minutes'

-- name: end_session
DELETE FROM sessions WHERE token_hash = $1

-- name: purge_sessions
DELETE FROM sessions WHERE expires_at <= to_timestamp($1)

-- name: insert_token
INSERT INTO api_tokens (name, token_hash, role, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6))
RETURNING id

-- name: find_token
SELECT name, role, extract(epoch FROM expires_at)::float8 AS expires_at FROM api_tokens
WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > to_timestamp($2))

-- name: touch_token
UPDATE api_tokens SET last_used_at = to_timestamp($2)
WHERE token_hash = $1 AND (last_used_at IS NULL OR last_used_at < to_timestamp($2) - interval '1 minute')

-- name: list_tokens
SELECT id, name, role, created_by, extract(epoch FROM created_at)::float8 AS created_at,
       extract(epoch FROM expires_at)::float8 AS expires_at, extract(epoch FROM last_used_at)::float8 AS last_used_at
FROM api_tokens WHERE revoked_at IS NULL ORDER BY name

-- name: revoke_token
UPDATE api_tokens SET revoked_at = to_timestamp($2), name = left(name, 70) || ' (revoked ' || id || ')'
WHERE id = $1 AND revoked_at IS NULL RETURNING token_hash

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1), $2, $3, $4, $5::jsonb)
