"""Alerts as people see them: the view in memory, the record in Postgres, and the acknowledgement."""
