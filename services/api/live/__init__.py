"""The dashboard's WebSocket: a snapshot, then batched changes."""
