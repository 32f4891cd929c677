-- Until when an acknowledgement holds; null: until the alert is over.
ALTER TABLE alert_actions ADD COLUMN until timestamptz;
ALTER TABLE alert_history ADD COLUMN acknowledged_until timestamptz;
