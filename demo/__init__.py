"""The small shop that `make run` and the end-to-end tests watch."""
