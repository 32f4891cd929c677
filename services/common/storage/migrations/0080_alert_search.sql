-- A record of a million alerts is read by any filter from an index. What is searched by text is kept beside it in one column:
-- name, summary, description and the labels' values, in lower case.

CREATE FUNCTION alert_text(name text, annotations jsonb, labels jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(
    name || E'\n' || coalesce(annotations ->> 'summary', '') || E'\n' || coalesce(annotations ->> 'description', '')
    || coalesce((SELECT string_agg(E'\n' || value, '' ORDER BY key) FROM jsonb_each_text(labels)), ''));

ALTER TABLE alert_history
    ADD COLUMN search_text text NOT NULL GENERATED ALWAYS AS (alert_text(name, annotations, labels)) STORED;

CREATE INDEX alert_history_name ON alert_history (name, starts_at DESC, alert_id DESC);
CREATE INDEX alert_history_component ON alert_history (component, starts_at DESC, alert_id DESC);
CREATE INDEX alert_history_severity ON alert_history (severity, starts_at DESC, alert_id DESC);
CREATE INDEX alert_history_category ON alert_history (category, starts_at DESC, alert_id DESC);
CREATE INDEX alert_history_ended ON alert_history (ends_at) WHERE status = 'resolved';

-- Trigrams find any part of a text. The extension comes with PostgreSQL's contrib modules; where a server lacks them, or
-- another user must install them, the text is searched row by row until it is there and the index is made by hand.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX alert_history_text ON alert_history USING gin (search_text gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE WARNING 'text search of alerts has no index: %; install pg_trgm, then CREATE INDEX alert_history_text ON alert_history USING gin (search_text gin_trgm_ops)', SQLERRM;
END $$;
