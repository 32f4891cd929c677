-- What people do goes over the stream, which may bring it twice: each action leaves one row.

ALTER TABLE audit_log ADD COLUMN action_id uuid UNIQUE;
