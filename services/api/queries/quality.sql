-- name: insert_audit
INSERT INTO quality_audits (commit, branch, at, lines, created_by, created_at)
VALUES ($1, $2, to_timestamp($3::float8), $4, $5, to_timestamp($6::float8)) RETURNING id

-- name: lock_audit
SELECT finished_at IS NOT NULL AS finished, lines, branch, commit FROM quality_audits WHERE id = $1 FOR UPDATE

-- name: put_report
INSERT INTO quality_reports (audit_id, kind, tool, received_at, content)
VALUES ($1, $2, $3, to_timestamp($4::float8), $5::jsonb)
ON CONFLICT (audit_id, kind, tool) DO UPDATE SET received_at = excluded.received_at, content = excluded.content

-- name: count_reports
SELECT count(*) FROM quality_reports WHERE audit_id = $1 AND NOT (kind = $2 AND tool = $3)

-- name: reports
SELECT content FROM quality_reports WHERE audit_id = $1 ORDER BY kind, tool

-- name: finish
UPDATE quality_audits SET finished_at = to_timestamp($2::float8), overall = $3, architecture = $4, security = $5,
       performance = $6, testing = $7
WHERE id = $1

-- name: audit
SELECT id, commit, branch, extract(epoch FROM at)::float8 AS at, lines, created_by,
       extract(epoch FROM finished_at)::float8 AS finished_at, overall, architecture, security, performance, testing
FROM quality_audits WHERE id = $1

-- name: trend
SELECT id, commit, branch, extract(epoch FROM at)::float8 AS at, lines, created_by,
       extract(epoch FROM finished_at)::float8 AS finished_at, overall, architecture, security, performance, testing
FROM quality_audits WHERE branch = $1 AND finished_at IS NOT NULL ORDER BY quality_audits.at DESC, id DESC LIMIT $2

-- name: last_of_kinds
SELECT DISTINCT ON (kind) content, extract(epoch FROM at)::float8 AS at
FROM quality_reports JOIN quality_audits ON quality_audits.id = audit_id
WHERE branch = $1 AND finished_at IS NOT NULL AND kind = ANY ($2::text[])
ORDER BY kind DESC, quality_audits.at DESC, id DESC

-- name: branches
SELECT branch FROM quality_audits WHERE finished_at IS NOT NULL GROUP BY branch ORDER BY max(at) DESC LIMIT 50

-- name: delete_audit
DELETE FROM quality_audits WHERE id = $1 RETURNING commit

-- name: forget
DELETE FROM quality_audits
WHERE at < to_timestamp($1::float8) OR (finished_at IS NULL AND created_at < to_timestamp($2::float8))

-- name: forget_runs
DELETE FROM quality_runs WHERE finished_at < to_timestamp($1::float8)

-- name: lose_runs
UPDATE quality_runs SET finished_at = to_timestamp($1::float8), result = 'lost',
       detail = 'The API that ran it ended before the command did.'
WHERE finished_at IS NULL AND started_at < to_timestamp($2::float8)

-- name: start_run
INSERT INTO quality_runs (started_at, started_by) VALUES (to_timestamp($1::float8), $2) RETURNING id

-- name: end_run
UPDATE quality_runs SET finished_at = to_timestamp($2::float8), result = $3, exit_code = $4, detail = $5, output = $6,
       audit_id = $7
WHERE id = $1 AND finished_at IS NULL

-- name: last_run
SELECT id, extract(epoch FROM started_at)::float8 AS started_at, started_by,
       extract(epoch FROM finished_at)::float8 AS finished_at, result, exit_code, detail, output, audit_id
FROM quality_runs ORDER BY id DESC LIMIT 1

-- name: log
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1::float8), $2, $3, $4, $5::jsonb)
