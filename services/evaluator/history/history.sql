-- name: may_write
UPDATE metric_writer AS w SET holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
FROM (SELECT holder AS before FROM metric_writer FOR UPDATE) AS old
WHERE w.holder = $1 OR w.held_until < clock_timestamp()
RETURNING old.before = $1 AS kept, w.written_ms

-- name: give_up
UPDATE metric_writer SET held_until = '-infinity' WHERE holder = $1

-- name: wrote
UPDATE metric_writer SET written_ms = greatest(written_ms, $1::bigint)

-- name: add_series
INSERT INTO metric_series (digest, metric, labels, last_at)
SELECT digest, label_set ->> '__name__', label_set - '__name__', timestamptz 'epoch' + newest * interval '1 ms'
FROM (
    SELECT decode(digest, 'hex') AS digest, key::jsonb AS label_set, newest
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (digest, key, newest)
) AS new
ON CONFLICT (digest) DO UPDATE SET last_at = greatest(metric_series.last_at, excluded.last_at)
RETURNING encode(digest, 'hex') AS digest, series_id

-- name: series_seen
UPDATE metric_series SET last_at = timestamptz 'epoch' + $2::bigint * interval '1 ms'
WHERE series_id = ANY($1::int[]) AND last_at < timestamptz 'epoch' + ($2::bigint - 3600000) * interval '1 ms'

-- name: forget_series
DELETE FROM metric_series WHERE last_at < timestamptz 'epoch' + $1::float8 * interval '1 second'

-- name: staging
CREATE TEMP TABLE IF NOT EXISTS metric_incoming (series_id int, at_ms bigint, value double precision)
ON COMMIT DELETE ROWS

-- name: merge
WITH fresh AS (
    -- A sample that is there already, from before a crash, is not counted again below.
    INSERT INTO metric_samples (series_id, at, value)
    SELECT series_id, timestamptz 'epoch' + at_ms * interval '1 ms', value FROM metric_incoming
    ON CONFLICT DO NOTHING
    RETURNING series_id, at, value
), grouped AS (
    SELECT width, series_id, date_bin(width, at, timestamptz 'epoch') AS start, min(value) AS min, max(value) AS max,
           sum(value) AS total, count(*)::int AS count, (array_agg(value ORDER BY at DESC))[1] AS last, max(at) AS last_at
    FROM fresh, unnest(ARRAY[interval '1 minute', interval '5 minutes', interval '1 hour']) AS width
    GROUP BY width, series_id, start
), minute AS (
    INSERT INTO metric_rollup_1m AS r (series_id, at, min, max, total, count, last, last_at)
    SELECT series_id, start, min, max, total, count, last, last_at FROM grouped WHERE width = interval '1 minute'
    ON CONFLICT (series_id, at) DO UPDATE SET
        min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
        total = r.total + excluded.total, count = r.count + excluded.count,
        last = CASE WHEN excluded.last_at >= r.last_at THEN excluded.last ELSE r.last END,
        last_at = greatest(r.last_at, excluded.last_at)
), five_minutes AS (
    INSERT INTO metric_rollup_5m AS r (series_id, at, min, max, total, count, last, last_at)
    SELECT series_id, start, min, max, total, count, last, last_at FROM grouped WHERE width = interval '5 minutes'
    ON CONFLICT (series_id, at) DO UPDATE SET
        min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
        total = r.total + excluded.total, count = r.count + excluded.count,
        last = CASE WHEN excluded.last_at >= r.last_at THEN excluded.last ELSE r.last END,
        last_at = greatest(r.last_at, excluded.last_at)
), hour AS (
    INSERT INTO metric_rollup_1h AS r (series_id, at, min, max, total, count, last, last_at)
    SELECT series_id, start, min, max, total, count, last, last_at FROM grouped WHERE width = interval '1 hour'
    ON CONFLICT (series_id, at) DO UPDATE SET
        min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
        total = r.total + excluded.total, count = r.count + excluded.count,
        last = CASE WHEN excluded.last_at >= r.last_at THEN excluded.last ELSE r.last END,
        last_at = greatest(r.last_at, excluded.last_at)
)
SELECT count(*)::int FROM fresh
