"""What rules record, kept in Postgres: samples and roll-ups, with a backlog on disk while Postgres is away."""
