-- A person's word on an account's band, for a while; the score itself stays as it is computed.
CREATE TABLE band_override (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account, engine TEXT NOT NULL, band INTEGER NOT NULL, -- 0 1 2
	who TEXT NOT NULL, reason TEXT NOT NULL,
	made_on INTEGER NOT NULL, made_at INTEGER NOT NULL,
	until_on INTEGER NOT NULL,     -- the first day on which it does not hold any more
	cleared_on INTEGER, cleared_at INTEGER, cleared_by TEXT
);
CREATE INDEX band_override_of_account ON band_override (account_id, engine);
-- Where an override made another band of a scored day than score_day has, which is the computed one.
CREATE TABLE score_held (
	day INTEGER NOT NULL, account_id INTEGER NOT NULL, engine TEXT NOT NULL, band INTEGER NOT NULL,
	PRIMARY KEY (day, account_id, engine)
) WITHOUT ROWID;
