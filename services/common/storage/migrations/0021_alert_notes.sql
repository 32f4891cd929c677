-- What people say about an episode, and whether telling them of it was useful.

CREATE TABLE alert_notes (
    note_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL REFERENCES alert_history ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    by       text NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('comment', 'verdict')),
    text     text NOT NULL
);
CREATE INDEX alert_notes_alert ON alert_notes (alert_id, at);

ALTER TABLE alert_history
    ADD COLUMN verdict    text CHECK (verdict IN ('true_alarm', 'false_alarm', 'noise')),
    ADD COLUMN verdict_by text,
    ADD COLUMN verdict_at timestamptz;
CREATE INDEX alert_history_fingerprint ON alert_history (fingerprint, starts_at DESC);
