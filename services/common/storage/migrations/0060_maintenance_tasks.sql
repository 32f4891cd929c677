-- What is to be done again and again: by people, or by jobs that a heartbeat check or Celery's beat knows of.

CREATE TABLE maintenance_tasks (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    description   text NOT NULL DEFAULT '',
    cadence       text NOT NULL CHECK (cadence IN ('daily', 'weekly', 'monthly', 'cron')),
    schedule      text,
    timezone      text NOT NULL DEFAULT 'UTC',
    grace_seconds double precision NOT NULL,
    source        text NOT NULL CHECK (source IN ('manual', 'check', 'beat')),
    -- NULL where the check was deleted: the task says so until it is given another source.
    check_id      bigint REFERENCES checks ON DELETE SET NULL,
    beat_task     text,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    CHECK ((cadence = 'cron') = (schedule IS NOT NULL)),
    CHECK ((source = 'beat') = (beat_task IS NOT NULL)),
    CHECK (source = 'check' OR check_id IS NULL)
);

CREATE TABLE maintenance_ticks (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES maintenance_tasks ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    -- Empty: the job did it.
    by      text NOT NULL DEFAULT '',
    note    text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX maintenance_ticks_once ON maintenance_ticks (task_id, at);
