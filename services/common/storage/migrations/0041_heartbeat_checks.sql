-- Jobs that tell by HTTP that they ran; the key in the address is the secret and stands here as its hash only.

CREATE TABLE checks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    description     text NOT NULL DEFAULT '',
    key_hash        bytea NOT NULL UNIQUE,
    period_seconds  double precision,
    schedule        text,
    timezone        text NOT NULL DEFAULT 'UTC',
    grace_seconds   double precision NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    last_ping_at    timestamptz,
    last_success_at timestamptz,
    -- The newest start, for the duration.
    started_at      timestamptz,
    -- The first start that has had no end: a job that dies and starts again and again must not look well.
    running_since   timestamptz,
    failed          boolean NOT NULL DEFAULT false,
    last_seconds    double precision,
    CHECK ((period_seconds IS NULL) <> (schedule IS NULL))
);

CREATE TABLE check_pings (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_id bigint NOT NULL REFERENCES checks ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    kind     text NOT NULL,
    seconds  double precision,
    log      text NOT NULL DEFAULT ''
);
CREATE INDEX check_pings_newest ON check_pings (check_id, id DESC);
