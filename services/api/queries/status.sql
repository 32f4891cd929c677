-- name: channels
-- The last attempt of a message tells how it stands, unless one before delivered it.
WITH attempts AS (
    SELECT channel, delivery_id, at, result, reason, duration_seconds FROM notifications WHERE at > to_timestamp($1)
), messages AS (
    SELECT channel, delivery_id, bool_or(result = 'delivered') AS delivered,
           (array_agg(result ORDER BY at DESC))[1] = 'temporary_failure' AS waiting
    FROM attempts GROUP BY channel, delivery_id
), figures AS (
    SELECT channel, count(*)::int AS messages, count(*) FILTER (WHERE delivered)::int AS delivered,
           count(*) FILTER (WHERE NOT delivered AND NOT waiting)::int AS failed,
           count(*) FILTER (WHERE NOT delivered AND waiting)::int AS waiting
    FROM messages GROUP BY channel
), tries AS (
    SELECT channel, count(*)::int AS attempts,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE result = 'delivered') AS p95,
           extract(epoch FROM max(at) FILTER (WHERE result <> 'delivered'))::float8 AS last_failure,
           coalesce((array_agg(reason ORDER BY at DESC) FILTER (WHERE result <> 'delivered'))[1], '') AS last_reason
    FROM attempts GROUP BY channel
)
SELECT * FROM figures JOIN tries USING (channel) ORDER BY channel

-- name: database
SELECT pg_database_size(current_database()) AS bytes, current_setting('server_version') AS version

-- name: tables
-- Partitions count for the table that they are of.
SELECT coalesce(parent.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint AS bytes,
       CASE WHEN bool_or(c.reltuples < 0) THEN NULL ELSE sum(c.reltuples)::bigint END AS rows,
       count(i.inhrelid)::int AS partitions
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r'
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $1
