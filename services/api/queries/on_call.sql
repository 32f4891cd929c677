-- name: contact_of
SELECT coalesce(contact, username) FROM users WHERE username = $1

-- name: logins
SELECT id, username, contact FROM users WHERE disabled_at IS NULL ORDER BY username

-- name: set_contact
UPDATE users SET contact = $2 WHERE id = $1 RETURNING username

-- name: preferences
SELECT contact, preference::text AS preference, updated_by, extract(epoch FROM updated_at)::float8 AS updated_at
FROM preferences WHERE $1::text IS NULL OR contact = $1

-- name: put_preference
INSERT INTO preferences (contact, preference, updated_by, updated_at) VALUES ($1, $2::jsonb, $3, to_timestamp($4::float8))
ON CONFLICT (contact) DO UPDATE SET preference = excluded.preference, updated_by = excluded.updated_by,
    updated_at = excluded.updated_at

-- name: delete_preference
DELETE FROM preferences WHERE contact = $1

-- name: overrides
SELECT id::text AS id, schedule, contact, instead_of, extract(epoch FROM starts_at)::float8 AS starts_at,
       extract(epoch FROM ends_at)::float8 AS ends_at, comment, created_by,
       extract(epoch FROM created_at)::float8 AS created_at
FROM schedule_overrides WHERE ends_at > to_timestamp($1::float8) ORDER BY starts_at, id

-- name: lock_overrides
LOCK TABLE schedule_overrides IN SHARE ROW EXCLUSIVE MODE

-- name: count_overrides
SELECT count(*) FROM schedule_overrides WHERE ends_at > to_timestamp($1::float8)

-- name: insert_override
INSERT INTO schedule_overrides (id, schedule, contact, instead_of, starts_at, ends_at, comment, created_by, created_at)
VALUES ($1::uuid, $2, $3, $4, to_timestamp($5::float8), to_timestamp($6::float8), $7, $8, to_timestamp($9::float8))

-- name: delete_override
DELETE FROM schedule_overrides WHERE id = $1::uuid RETURNING schedule

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1::float8), $2, $3, $4, $5::jsonb)
