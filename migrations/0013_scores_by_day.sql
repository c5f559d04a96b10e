-- Scores lie by day and not by account: what a day adds is written in one place instead of into one page for each account.
CREATE TABLE score_day_by_day_first (
	day INTEGER NOT NULL, account_id INTEGER NOT NULL REFERENCES account,
	risk REAL, readiness REAL, confidence REAL NOT NULL, -- 0..100; NULL = not enough data to say
	risk_band INTEGER NOT NULL, readiness_band INTEGER NOT NULL, -- 0 steady/not_yet 1 watch/emerging 2 at_risk/ready
	risk_band_since INTEGER NOT NULL, readiness_band_since INTEGER NOT NULL,
	value_minor INTEGER, currency TEXT, config_hash TEXT NOT NULL,
	PRIMARY KEY (day, account_id)
) WITHOUT ROWID;
INSERT INTO score_day_by_day_first SELECT day, account_id, risk, readiness, confidence, risk_band, readiness_band,
	risk_band_since, readiness_band_since, value_minor, currency, config_hash FROM score_day ORDER BY day, account_id;
DROP TABLE score_day;
ALTER TABLE score_day_by_day_first RENAME TO score_day;
-- Of accounts in a band above the lowest: what the others' signals were is said again from the facts.
CREATE TABLE score_signal_by_day (
	day INTEGER NOT NULL, account_id INTEGER NOT NULL, engine TEXT NOT NULL, signal TEXT NOT NULL,
	value REAL, baseline REAL, strength REAL NOT NULL, weight REAL NOT NULL, contribution REAL NOT NULL,
	evidence TEXT NOT NULL, fresh_on INTEGER,
	PRIMARY KEY (day, account_id, engine, signal)
) WITHOUT ROWID;
INSERT INTO score_signal_by_day SELECT day, account_id, engine, signal, value, baseline, strength, weight, contribution,
	evidence, fresh_on FROM score_signal ORDER BY day, account_id, engine, signal;
DROP TABLE score_signal;
ALTER TABLE score_signal_by_day RENAME TO score_signal;
