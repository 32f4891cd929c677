"""What keeps a system well in the long run: its alerts, and how its jobs do."""
