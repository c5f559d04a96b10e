-- What was last written into a property of the CRM's, as the CRM took it: only what differs is written again.
CREATE TABLE written_back (
	source_id INTEGER NOT NULL REFERENCES source, account_id INTEGER NOT NULL REFERENCES account,
	field TEXT NOT NULL,           -- the CRM's name of the property
	value TEXT NOT NULL,           -- empty: the property was emptied
	written_at INTEGER NOT NULL,
	PRIMARY KEY (source_id, account_id, field)
) WITHOUT ROWID;
