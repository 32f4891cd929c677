"""How Tocsin itself does: its services, streams, scrapes, rules, deliveries and storage."""
