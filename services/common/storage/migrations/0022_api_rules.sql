-- Alert rules made by page or API; files stay the place for rules in git. Each change leaves a version.

CREATE TABLE api_rules (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    version    int NOT NULL DEFAULT 1,
    enabled    boolean NOT NULL,
    body       jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX api_rules_name ON api_rules (name) WHERE deleted_at IS NULL;

CREATE TABLE api_rule_versions (
    rule_id bigint NOT NULL REFERENCES api_rules,
    version int NOT NULL,
    at      timestamptz NOT NULL,
    by      text NOT NULL,
    action  text NOT NULL CHECK (action IN ('created', 'changed', 'deleted')),
    body    jsonb NOT NULL,
    PRIMARY KEY (rule_id, version)
);
