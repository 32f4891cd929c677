-- What was put into service when, told by whoever deploys; markers on charts.

CREATE TABLE deployments (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    component text NOT NULL,
    version   text NOT NULL,
    link      text NOT NULL DEFAULT '',
    by        text NOT NULL,
    UNIQUE (component, version, at)
);
CREATE INDEX deployments_at ON deployments (at DESC);
