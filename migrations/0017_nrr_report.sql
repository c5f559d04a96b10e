-- Reports of retention as they stood when their month was over (revision 1), and anew whenever what was learnt later
-- changes one (2, 3 ...). as_of_on: it says what was known on that day. Amounts in minor units of the currency.
CREATE TABLE nrr_report (
	id INTEGER PRIMARY KEY,
	to_on INTEGER NOT NULL, months INTEGER NOT NULL, revision INTEGER NOT NULL, from_on INTEGER NOT NULL,
	as_of_on INTEGER NOT NULL, policy_hash TEXT NOT NULL, config_hash TEXT NOT NULL, currency TEXT NOT NULL,
	why_none TEXT,                 -- insufficient history ...: there are no ratios
	why_restated TEXT,             -- what made all of it differ: the policy, the currency
	last_contract INTEGER NOT NULL, -- the largest id of a subscription that was there
	n_start INTEGER NOT NULL, n_churned INTEGER NOT NULL, n_end INTEGER NOT NULL,
	start_minor INTEGER NOT NULL, added_minor INTEGER NOT NULL, expansion_minor INTEGER NOT NULL,
	reactivation_minor INTEGER NOT NULL, contraction_minor INTEGER NOT NULL, churn_minor INTEGER NOT NULL,
	fx_minor INTEGER NOT NULL, end_minor INTEGER NOT NULL, cross_sell_minor INTEGER NOT NULL,
	involuntary_minor INTEGER NOT NULL, returned_minor INTEGER NOT NULL, free_minor INTEGER NOT NULL,
	sums_hash TEXT NOT NULL,       -- sha256 of accounts
	-- What each account added, and whose book it was in: written and read by store/nrr_snapshots.
	accounts BLOB NOT NULL, owners BLOB NOT NULL,
	UNIQUE (to_on, months, revision)
);
CREATE INDEX nrr_report_by_day ON nrr_report (as_of_on);
-- In words, what made an account differ from the revision before; those that moved most come first.
CREATE TABLE nrr_restatement (
	report_id INTEGER NOT NULL REFERENCES nrr_report, place INTEGER NOT NULL,
	account_id INTEGER NOT NULL, cause TEXT NOT NULL, words TEXT NOT NULL,
	PRIMARY KEY (report_id, place)
) WITHOUT ROWID;
CREATE TABLE nrr_policy (hash TEXT PRIMARY KEY, lines TEXT NOT NULL) WITHOUT ROWID;
