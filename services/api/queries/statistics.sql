-- name: totals
SELECT count(*)::int AS alerts, count(acknowledged_at)::int AS acknowledged,
       count(*) FILTER (WHERE status = 'resolved')::int AS resolved,
       avg(extract(epoch FROM acknowledged_at - starts_at))::float8 AS mtta,
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - starts_at)))::float8 AS mtta_median,
       avg(extract(epoch FROM ends_at - starts_at)) FILTER (WHERE status = 'resolved')::float8 AS mttr,
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ends_at - starts_at))
           FILTER (WHERE status = 'resolved'))::float8 AS mttr_median,
       count(*) FILTER (WHERE verdict = 'true_alarm')::int AS true_alarms,
       count(*) FILTER (WHERE verdict = 'false_alarm')::int AS false_alarms,
       count(*) FILTER (WHERE verdict = 'noise')::int AS noise
FROM alert_history WHERE starts_at >= to_timestamp($1) AND starts_at < to_timestamp($2)

-- name: rules
SELECT name, count(*)::int AS alerts, avg(extract(epoch FROM coalesce(ends_at, to_timestamp($2)) - starts_at))::float8 AS seconds,
       count(*) FILTER (WHERE verdict IN ('false_alarm', 'noise'))::int AS false_alarms,
       count(*) FILTER (WHERE acknowledged_at IS NULL)::int AS unacknowledged
FROM alert_history WHERE starts_at >= to_timestamp($1) AND starts_at < to_timestamp($2)
GROUP BY name ORDER BY count(*) DESC, name LIMIT 10

-- name: severities
SELECT severity, count(*)::int AS alerts FROM alert_history
WHERE starts_at >= to_timestamp($1) AND starts_at < to_timestamp($2) GROUP BY severity ORDER BY count(*) DESC, severity

-- name: outages
-- Outages of a component may overlap: their union counts.
SELECT component, sum(extract(epoch FROM upper(part) - lower(part)))::float8 AS seconds
FROM (
    SELECT component, unnest(range_agg(tstzrange(
               greatest(starts_at, to_timestamp($1)),
               greatest(starts_at, to_timestamp($1), least(coalesce(ends_at, to_timestamp($2)), to_timestamp($2)))))) AS part
    FROM alert_history
    WHERE labels->>'impact' = 'outage' AND component <> ''
      AND starts_at < to_timestamp($2) AND coalesce(ends_at, to_timestamp($2)) > to_timestamp($1)
    GROUP BY component
) AS parts
GROUP BY component ORDER BY component

-- name: responders
SELECT count(*)::int FROM users WHERE role IN ('operator', 'admin') AND disabled_at IS NULL
