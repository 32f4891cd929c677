"""What can be told about rules without running them, and against the series that there are."""
