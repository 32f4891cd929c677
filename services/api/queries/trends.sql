-- name: metrics
SELECT metric, count(*)::int AS series, extract(epoch FROM max(last_at))::float8 AS last_at
FROM metric_series GROUP BY metric ORDER BY metric LIMIT 2000

-- name: series
SELECT series_id, metric, labels::text AS labels FROM (
    SELECT *, row_number() OVER (PARTITION BY metric ORDER BY last_at DESC, labels) AS place
    FROM metric_series
    WHERE metric = ANY($1::text[]) AND labels @> $2::jsonb AND last_at >= to_timestamp($3::float8 - 3600)
) AS ranked WHERE place <= $4 ORDER BY metric, labels::text

-- name: known
SELECT DISTINCT metric FROM metric_series WHERE metric = ANY($1::text[])

-- name: partitions
SELECT inhparent::regclass::text AS parent, inhrelid::regclass::text AS name FROM pg_inherits
WHERE inhparent = ANY($1::regclass[])

-- name: first
SELECT extract(epoch FROM min(oldest.at))::float8 FROM unnest($1::int[]) AS wanted (series_id)
CROSS JOIN LATERAL (
    SELECT at FROM metric_rollup_1h AS r WHERE r.series_id = wanted.series_id ORDER BY at LIMIT 1
) AS oldest

-- name: points
-- One row a series: rows by the thousand cost the reader more than they cost the server.
SELECT series_id, array_agg(extract(epoch FROM start)::float8) AS at, array_agg(total / count) AS avg,
       array_agg(min) AS min, array_agg(max) AS max
FROM (
    SELECT series_id, date_bin(make_interval(secs => $4::int), at, timestamptz 'epoch') AS start,
           sum(total) AS total, sum(count) AS count, min(min) AS min, max(max) AS max
    FROM source
    WHERE series_id = ANY($1::int[]) AND at >= to_timestamp($2::float8) AND at < to_timestamp($3::float8)
    GROUP BY series_id, start ORDER BY series_id, start
) AS binned GROUP BY series_id

-- name: stats
SELECT series_id, sum(total) / sum(count) AS avg, min(min) AS min, max(max) AS max, sum(count)::bigint AS count,
       (array_agg(last ORDER BY at DESC))[1] AS last,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY total / count) AS percentiles
FROM source
WHERE series_id = ANY($1::int[]) AND at >= to_timestamp($2::float8) AND at < to_timestamp($3::float8)
GROUP BY series_id

-- name: alerts
SELECT alert_id, name, severity, component, annotations ->> 'summary' AS summary,
       extract(epoch FROM starts_at)::float8 AS at, extract(epoch FROM ends_at)::float8 AS end
FROM alert_history
WHERE starts_at >= to_timestamp($1::float8) AND starts_at < to_timestamp($2::float8)
  AND (component = ANY($3::text[]) OR name = ANY($4::text[]))
ORDER BY starts_at DESC LIMIT 200

-- name: deployments
SELECT id, extract(epoch FROM at)::float8 AS at, component, version, link, by FROM deployments
WHERE at >= to_timestamp($1::float8) AND at < to_timestamp($2::float8) ORDER BY at DESC LIMIT 200

-- name: add_deployment
INSERT INTO deployments (at, component, version, link, by) VALUES (to_timestamp($1::float8), $2, $3, $4, $5)
ON CONFLICT (component, version, at) DO UPDATE SET link = excluded.link
RETURNING id, extract(epoch FROM at)::float8 AS at, component, version, link, by

-- name: audit
INSERT INTO audit_log (at, actor, action, target, detail) VALUES (to_timestamp($1::float8), $2, $3, $4, '{}')
