-- What a sink calls a recipient (a Slack conversation for an owner's e-mail address), so that it is asked once.
CREATE TABLE channel_address (
	sink TEXT NOT NULL, recipient TEXT NOT NULL,
	address TEXT NOT NULL,
	found_at INTEGER NOT NULL,
	PRIMARY KEY (sink, recipient)
) WITHOUT ROWID;
