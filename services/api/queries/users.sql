-- name: lock_users
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE

-- name: any_user
SELECT 1 FROM users LIMIT 1

-- name: insert_user
INSERT INTO users (username, password_hash, role) VALUES ($1, $2, $3)

-- name: set_password
UPDATE users SET password_hash = $2 WHERE username = $1 RETURNING id

-- name: end_sessions
DELETE FROM sessions WHERE user_id = $1

-- name: list_users
SELECT username, role, created_at, disabled_at FROM users ORDER BY username

-- name: audit
INSERT INTO audit_log (actor, action, target, detail) VALUES ($1, $2, $3, $4::jsonb)
