"""Who is told and how: contacts, schedules, escalation policies of the notifier, and what people choose themselves."""
