"""Silences as people make and see them; the notifier keeps them (docs/adr/0145)."""
