-- What people said of findings, beside the event that says who, when, by which way and why (finding_event).
CREATE TABLE answer_link (             -- links that were used: each works once
	token_sha256 TEXT PRIMARY KEY, used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE not_owner (               -- whose an account is not, whatever its source says: for findings of an engine
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account, engine TEXT NOT NULL,
	owner_email TEXT NOT NULL,         -- who it was given to; empty: nobody
	given_to TEXT,                     -- who it goes to instead; NULL: nobody
	finding_id INTEGER NOT NULL REFERENCES finding, said_on INTEGER NOT NULL,
	withdrawn_on INTEGER               -- taken back
);
CREATE INDEX not_owner_of_account ON not_owner (account_id);
CREATE TABLE told_outcome (            -- what became of an account, before contracts show it or where they never do
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account, kind TEXT NOT NULL, -- churn | expansion
	finding_id INTEGER NOT NULL REFERENCES finding, said_on INTEGER NOT NULL, withdrawn_on INTEGER
);
CREATE INDEX told_outcome_of_account ON told_outcome (account_id);
