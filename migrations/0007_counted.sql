-- Usage that is counted from events, a row of the source at a time. What an earlier count of a day said and the next one
-- doesn't must go: which accounts a stream has counted on a day, a bit each (account % 8128) within blocks of 8128.
CREATE TABLE usage_counted (
	source_id INTEGER NOT NULL, stream TEXT NOT NULL, day INTEGER NOT NULL, metric_id INTEGER NOT NULL,
	block INTEGER NOT NULL, accounts BLOB NOT NULL,
	PRIMARY KEY (source_id, stream, day, metric_id, block)
) WITHOUT ROWID;
-- What was counted of accounts that are not known yet; it goes to the account when that comes.
CREATE TABLE counted_waiting (
	source_id INTEGER NOT NULL, stream TEXT NOT NULL, day INTEGER NOT NULL, metric_id INTEGER NOT NULL,
	account_by INTEGER NOT NULL, account_key TEXT NOT NULL, value INTEGER NOT NULL,
	PRIMARY KEY (source_id, stream, day, metric_id, account_by, account_key)
) WITHOUT ROWID;
