-- name: series
SELECT series_id, metric, labels::text AS labels FROM metric_series
WHERE ($1::text IS NULL OR metric = $1) AND last_at >= timestamptz 'epoch' + ($2::bigint - 3600000) * interval '1 ms'

-- name: samples
SELECT series_id, array_agg(round(extract(epoch FROM at) * 1000)::bigint) AS times, array_agg(value) AS values
FROM (
    SELECT series_id, at, value FROM metric_samples
    WHERE series_id = ANY($1::int[]) AND at > timestamptz 'epoch' + $2::bigint * interval '1 ms'
      AND at <= timestamptz 'epoch' + $3::bigint * interval '1 ms'
    ORDER BY series_id, at
) AS ordered GROUP BY series_id

-- name: minutes
SELECT series_id, array_agg(round(extract(epoch FROM last_at) * 1000)::bigint) AS times, array_agg(last) AS values
FROM (
    SELECT series_id, last_at, last FROM metric_rollup_1m
    WHERE series_id = ANY($1::int[]) AND at > timestamptz 'epoch' + ($2::bigint - 60000) * interval '1 ms'
      AND at <= timestamptz 'epoch' + $3::bigint * interval '1 ms'
      AND last_at > timestamptz 'epoch' + $2::bigint * interval '1 ms'
      AND last_at <= timestamptz 'epoch' + $3::bigint * interval '1 ms'
    ORDER BY series_id, last_at
) AS ordered GROUP BY series_id
