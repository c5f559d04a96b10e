-- What was pushed to us. A sender that doesn't hear our answer sends again: the start of the SHA-256 of each event's own
-- id, or of its bytes, for as long as the source remembers. The place to read on from is in stream_cursor.
CREATE TABLE push_seen (
	source_id INTEGER NOT NULL REFERENCES source, hash BLOB NOT NULL, received_on INTEGER NOT NULL,
	PRIMARY KEY (source_id, hash)
) WITHOUT ROWID;
CREATE INDEX push_seen_by_day ON push_seen (source_id, received_on);
-- Usage that can't be read again, of accounts that aren't known yet: added to theirs when they come.
CREATE TABLE usage_waiting (
	source_id INTEGER NOT NULL REFERENCES source, account_by INTEGER NOT NULL, account_key TEXT NOT NULL,
	metric_id INTEGER NOT NULL, day INTEGER NOT NULL, contact_key TEXT NOT NULL, team TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (source_id, account_by, account_key, metric_id, day, contact_key, team)
) WITHOUT ROWID;
