-- name: all
SELECT task.id, task.name, task.description, task.cadence, task.schedule, task.timezone, task.grace_seconds, task.source,
       task.check_id, checks.name AS check_name, task.beat_task, task.created_by,
       extract(epoch FROM task.created_at)::float8 AS created_at,
       extract(epoch FROM last.at)::float8 AS last_done_at, coalesce(last.by, '') AS last_done_by,
       coalesce(last.note, '') AS last_note
FROM maintenance_tasks AS task
LEFT JOIN checks ON checks.id = task.check_id
LEFT JOIN LATERAL (
    SELECT at, by, note FROM maintenance_ticks WHERE task_id = task.id ORDER BY at DESC LIMIT 1
) AS last ON true
WHERE $1::bigint IS NULL OR task.id = $1 ORDER BY task.name

-- name: count
SELECT count(*) FROM maintenance_tasks

-- name: insert
INSERT INTO maintenance_tasks (name, description, cadence, schedule, timezone, grace_seconds, source, check_id, beat_task,
                               created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11::float8))
RETURNING id

-- name: update
UPDATE maintenance_tasks SET name = $2, description = $3, cadence = $4, schedule = $5, timezone = $6, grace_seconds = $7,
       source = $8, check_id = $9, beat_task = $10
WHERE id = $1 RETURNING name

-- name: delete
DELETE FROM maintenance_tasks WHERE id = $1 RETURNING name

-- name: names
SELECT name FROM maintenance_tasks

-- name: lock
SELECT name, source FROM maintenance_tasks WHERE id = $1 FOR UPDATE

-- name: insert_tick
INSERT INTO maintenance_ticks (task_id, at, by, note) VALUES ($1, to_timestamp($2::float8), $3, $4)
ON CONFLICT (task_id, at) DO NOTHING

-- name: delete_tick
DELETE FROM maintenance_ticks WHERE task_id = $1 AND id = $2 AND by <> ''

-- name: trim_ticks
DELETE FROM maintenance_ticks WHERE task_id = $1 AND at <= (
    SELECT at FROM maintenance_ticks WHERE task_id = $1 ORDER BY at DESC OFFSET $2 LIMIT 1)

-- name: ticks
SELECT id, extract(epoch FROM at)::float8 AS at, by, note FROM maintenance_ticks WHERE task_id = $1 ORDER BY at DESC

-- name: done_by_checks
SELECT task.id, extract(epoch FROM checks.last_success_at)::float8 AS at
FROM maintenance_tasks AS task JOIN checks ON checks.id = task.check_id
WHERE checks.last_success_at > coalesce(
    (SELECT max(at) FROM maintenance_ticks WHERE task_id = task.id), '-infinity'::timestamptz)

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1::float8), $2, $3, $4, $5::jsonb)
