-- Audits of the code: what tools reported, the scores made from it, and runs of the configured audit command.

CREATE TABLE quality_audits (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    commit       text NOT NULL,
    branch       text NOT NULL,
    at           timestamptz NOT NULL,
    lines        integer NOT NULL CHECK (lines > 0),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    -- NULL: reports are still coming.
    finished_at  timestamptz,
    -- Kept as they were made then, so that another formula does not change the past.
    overall      double precision,
    architecture double precision,
    security     double precision,
    performance  double precision,
    testing      double precision
);
CREATE INDEX quality_audits_branch ON quality_audits (branch, at DESC) WHERE finished_at IS NOT NULL;

CREATE TABLE quality_reports (
    audit_id    bigint NOT NULL REFERENCES quality_audits ON DELETE CASCADE,
    kind        text NOT NULL,
    tool        text NOT NULL,
    received_at timestamptz NOT NULL,
    content     jsonb NOT NULL,
    PRIMARY KEY (audit_id, kind, tool)
);

CREATE TABLE quality_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    started_by  text NOT NULL,
    finished_at timestamptz,
    result      text NOT NULL DEFAULT 'running',
    exit_code   integer,
    detail      text NOT NULL DEFAULT '',
    output      text NOT NULL DEFAULT '',
    audit_id    bigint REFERENCES quality_audits ON DELETE SET NULL
);
-- One at a time, however many copies of the API there are.
CREATE UNIQUE INDEX quality_runs_one ON quality_runs ((true)) WHERE finished_at IS NULL;
