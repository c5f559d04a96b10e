-- One company in several systems. main_id: the account that this row is another name of (declared keys say so, or its own
-- source merged it away); NULL: itself. What belongs to it belongs to that one.
ALTER TABLE account ADD COLUMN main_id INTEGER REFERENCES account;
ALTER TABLE account ADD COLUMN merged_into TEXT; -- its source's key of the account it was merged into
ALTER TABLE account ADD COLUMN merged_keys TEXT; -- keys of those that were merged into it, between ; or ,
CREATE INDEX account_of_main ON account (main_id) WHERE main_id IS NOT NULL;
-- The organisation's rules as of the last pull, so that every linking goes by the same.
CREATE TABLE identity_rule (
	source TEXT NOT NULL, place INTEGER NOT NULL, main TEXT NOT NULL, -- names of sources
	by INTEGER NOT NULL,           -- enum identity_by
	PRIMARY KEY (source, place)
) WITHOUT ROWID;
-- What the keys don't settle: for a person to see. Made anew at each linking.
CREATE TABLE identity_conflict (account_id INTEGER PRIMARY KEY REFERENCES account, reason TEXT NOT NULL);
