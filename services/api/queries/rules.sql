-- name: insert
INSERT INTO api_rules (name, enabled, body, created_at, created_by, updated_at, updated_by)
VALUES ($1, $2, $3::jsonb, to_timestamp($4), $5, to_timestamp($4), $5)
RETURNING id

-- name: change
UPDATE api_rules
SET name = $3, enabled = $4, body = $5::jsonb, version = version + 1, updated_at = to_timestamp($6), updated_by = $7
WHERE id = $1 AND version = $2 AND deleted_at IS NULL
RETURNING version

-- name: delete
UPDATE api_rules SET deleted_at = to_timestamp($2), version = version + 1, updated_at = to_timestamp($2), updated_by = $3
WHERE id = $1 AND deleted_at IS NULL
RETURNING version, name, body

-- name: keep_version
INSERT INTO api_rule_versions (rule_id, version, at, by, action, body)
VALUES ($1, $2, to_timestamp($3), $4, $5, $6::jsonb)

-- name: all
SELECT id, version, body, extract(epoch FROM created_at)::float8 AS created_at, created_by,
       extract(epoch FROM updated_at)::float8 AS updated_at, updated_by
FROM api_rules WHERE deleted_at IS NULL ORDER BY id

-- name: one
SELECT id, version, body, extract(epoch FROM created_at)::float8 AS created_at, created_by,
       extract(epoch FROM updated_at)::float8 AS updated_at, updated_by
FROM api_rules WHERE deleted_at IS NULL AND id = $1

-- name: versions
SELECT version, extract(epoch FROM at)::float8 AS at, by, action, body
FROM api_rule_versions WHERE rule_id = $1 ORDER BY version DESC LIMIT 50

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1), $2, $3, $4, $5::jsonb)
