-- The rows of streams whose source doesn't tell of deletions: what the next whole list no longer has is gone.
CREATE TABLE listed (
	source_id INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL, source_key TEXT NOT NULL,
	list INTEGER NOT NULL,         -- number of the stream's whole list that had it last, or that increments followed on
	PRIMARY KEY (source_id, stream, source_key)
) WITHOUT ROWID;
