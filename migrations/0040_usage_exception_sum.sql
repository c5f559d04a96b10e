-- A checksum for values that are too large for a cell, too. usage_exception_sum is a function that retaind brings along.
ALTER TABLE usage_exception ADD COLUMN sum INTEGER NOT NULL DEFAULT 0; -- of all the others
UPDATE usage_exception SET sum = usage_exception_sum(metric_id, day, account_id, value);
