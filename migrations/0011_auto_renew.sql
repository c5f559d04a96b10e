-- Whether a contract goes on by itself when its term ends. NULL: the source doesn't say.
ALTER TABLE subscription ADD COLUMN is_auto_renew INTEGER;
