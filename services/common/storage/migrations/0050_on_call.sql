-- What people choose for themselves: which contact a login is, how that contact is told, and who takes over when.

-- Null: the contact of the same name.
ALTER TABLE users ADD COLUMN contact text;

CREATE TABLE preferences (
    contact    text PRIMARY KEY,
    preference jsonb NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE schedule_overrides (
    id         uuid PRIMARY KEY,
    schedule   text NOT NULL,
    contact    text NOT NULL,
    instead_of text,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    comment    text NOT NULL DEFAULT '',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK (starts_at < ends_at)
);
CREATE INDEX schedule_overrides_ends_at ON schedule_overrides (ends_at);
