"""What the dashboard shows of the watched stack: panels, component states, thresholds from the rules. Pure."""
