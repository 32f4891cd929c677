"""What the four services share: events, labels, clock, config, lifecycle, log, telemetry, bus and storage."""
