"""The API and the dashboard's WebSocket over a record of the size of a year's."""
