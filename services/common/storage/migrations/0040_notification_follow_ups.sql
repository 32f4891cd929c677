-- Messages that follow an acknowledgement, and providers' receipts, are in the log too. Which words there are is the
-- writer's type; a second list here would only have to be changed with each.

ALTER TABLE notifications DROP CONSTRAINT IF EXISTS notifications_cause_check;
ALTER TABLE notifications DROP CONSTRAINT IF EXISTS notifications_result_check;
