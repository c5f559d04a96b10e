-- A sink that fails time after time, and since when; what a person has to be told; owners who want no digest for a while;
-- days that were looked over.
ALTER TABLE sink_state ADD COLUMN n_failures INTEGER NOT NULL DEFAULT 0; -- in a row
ALTER TABLE sink_state ADD COLUMN failing_since_at INTEGER;
CREATE TABLE alert (
	id INTEGER PRIMARY KEY,
	topic TEXT NOT NULL UNIQUE,    -- what it is about, so that it is told once
	sink TEXT,                     -- the one that failed: another has to tell it
	text TEXT NOT NULL, at INTEGER NOT NULL,
	n_attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL,
	told_at INTEGER                -- or given up
);
CREATE INDEX alert_due ON alert (next_at) WHERE told_at IS NULL;
CREATE TABLE silence (
	owner_email TEXT PRIMARY KEY,
	said_at INTEGER NOT NULL,
	until_on INTEGER NOT NULL,     -- the first day with a digest again
	reason TEXT
) WITHOUT ROWID;
CREATE TABLE looked_over (
	local_on INTEGER PRIMARY KEY,  -- of the organisation
	n_gaps INTEGER NOT NULL, at INTEGER NOT NULL,
	pinged_at INTEGER              -- the dead man's switch heard of it; NULL: it did not, or there is none
);
