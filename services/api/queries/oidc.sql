-- name: find
SELECT id, username, role, disabled_at IS NOT NULL AS disabled FROM users
WHERE oidc_issuer = $1 AND oidc_subject = $2 FOR UPDATE

-- name: create
-- Two first logins of one person at once make one: the second finds it.
INSERT INTO users (username, role, oidc_issuer, oidc_subject) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING id, username, role

-- name: set_role
UPDATE users SET role = $2 WHERE id = $1

-- name: is_theirs
SELECT 1 FROM users WHERE username = $1 AND oidc_subject IS NOT NULL AND password_hash IS NULL

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1), $2, $3, $4, $5::jsonb)
