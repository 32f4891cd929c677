-- Beside attempts the log holds why nobody was told: silenced, inhibited, muted by a time interval, cooldown, rate cap.

ALTER TABLE notifications DROP CONSTRAINT notifications_result_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_result_check
    CHECK (result IN ('delivered', 'temporary_failure', 'permanent_failure', 'expired', 'suppressed'));
