-- One writer a table: the API writes all but `notifications`, which the notifier writes.

CREATE TABLE users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      text NOT NULL UNIQUE CHECK (username ~ '^[A-Za-z0-9_.@+-]{1,64}$'),
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);

CREATE TABLE sessions (
    token_hash   bytea PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    csrf_token   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    token_hash   bytea NOT NULL UNIQUE,
    role         text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

CREATE TABLE audit_log (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    actor  text NOT NULL,
    action text NOT NULL,
    target text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_at ON audit_log (at);

-- One row an episode: a label set from its first firing to its resolve.
CREATE TABLE alert_history (
    alert_id        text PRIMARY KEY,              -- <fingerprint>-<starts_at in ms>
    fingerprint     text NOT NULL,
    status          text NOT NULL CHECK (status IN ('firing', 'resolved')),
    name            text NOT NULL,
    severity        text NOT NULL DEFAULT '',
    category        text NOT NULL DEFAULT '',
    component       text NOT NULL DEFAULT '',
    labels          jsonb NOT NULL,
    annotations     jsonb NOT NULL,
    rule            jsonb NOT NULL,
    value           double precision,
    active_at       timestamptz NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz,
    last_event_at   timestamptz NOT NULL,
    muted           text NOT NULL DEFAULT '',
    muted_until     timestamptz,
    flapping        boolean NOT NULL DEFAULT false,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledge_comment text,
    UNIQUE (fingerprint, starts_at)
);
CREATE INDEX alert_history_page ON alert_history (starts_at DESC, alert_id DESC);
CREATE INDEX alert_history_firing ON alert_history (starts_at) WHERE status = 'firing';

-- What people did about an episode, in order.
CREATE TABLE alert_actions (
    action_id uuid PRIMARY KEY,
    alert_id  text NOT NULL REFERENCES alert_history ON DELETE CASCADE,
    kind      text NOT NULL CHECK (kind IN ('acknowledge', 'unacknowledge')),
    at        timestamptz NOT NULL,
    by        text NOT NULL,
    comment   text NOT NULL DEFAULT ''
);
CREATE INDEX alert_actions_alert ON alert_actions (alert_id, at);

-- Every attempt to tell somebody: written by the notifier, also after the fact when Postgres was away.
CREATE TABLE notifications (
    attempt_id   uuid PRIMARY KEY,
    delivery_id  text NOT NULL,                     -- the outbox entry: the same for all attempts of one message
    at           timestamptz NOT NULL,
    alert_ids    text[] NOT NULL,
    status       text NOT NULL CHECK (status IN ('firing', 'resolved', 'test')),
    cause        text NOT NULL CHECK (cause IN ('new', 'changed', 'repeat', 'resolved', 'test')),
    group_key    text NOT NULL,
    receiver     text NOT NULL,
    channel      text NOT NULL,
    recipient    text NOT NULL,
    attempt      int NOT NULL CHECK (attempt >= 1),
    result       text NOT NULL CHECK (result IN ('delivered', 'temporary_failure', 'permanent_failure', 'expired')),
    reason       text NOT NULL DEFAULT '',
    detail       text NOT NULL DEFAULT '',
    provider_id  text NOT NULL DEFAULT '',
    duration_seconds double precision NOT NULL
);
CREATE INDEX notifications_alerts ON notifications USING gin (alert_ids);
CREATE INDEX notifications_at ON notifications (at DESC);
