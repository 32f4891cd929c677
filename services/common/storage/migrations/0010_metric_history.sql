-- The history of metrics: samples as they were made and three roll-ups of them. The evaluator writes, the API reads.
-- Partitions are made ahead and dropped by the evaluator (services/common/metric_history.py has their widths).

CREATE TABLE metric_series (
    series_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest     bytea NOT NULL UNIQUE,               -- of all labels, sorted, as JSON; they may be too long for an index
    metric     text NOT NULL,
    labels     jsonb NOT NULL,                      -- without the metric's name
    last_at    timestamptz NOT NULL                 -- of its newest sample, to within an hour
);
CREATE INDEX metric_series_metric ON metric_series (metric);

CREATE TABLE metric_samples (
    series_id int NOT NULL,
    at        timestamptz NOT NULL,
    value     double precision NOT NULL,
    PRIMARY KEY (series_id, at)
) PARTITION BY RANGE (at);

-- `at` is where the interval begins; the mean is total / count.
CREATE TABLE metric_rollup_1m (
    series_id int NOT NULL,
    at        timestamptz NOT NULL,
    min       double precision NOT NULL,
    max       double precision NOT NULL,
    total     double precision NOT NULL,
    count     int NOT NULL,
    last      double precision NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (series_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE metric_rollup_5m (LIKE metric_rollup_1m INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE metric_rollup_1h (LIKE metric_rollup_1m INCLUDING ALL) PARTITION BY RANGE (at);

-- One row: which evaluator writes, until when it may, and how far it got.
CREATE TABLE metric_writer (
    one        bool PRIMARY KEY DEFAULT true CHECK (one),
    holder     text NOT NULL DEFAULT '',
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    written_ms bigint NOT NULL DEFAULT 0
);
INSERT INTO metric_writer DEFAULT VALUES;
