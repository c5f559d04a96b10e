-- The signals of an account on a day are one row, so that a day is written with as many rows as it has accounts in a band.
-- data is JSON: {"defense":[[signal,value,baseline,strength,weight,contribution,evidence,fresh_on],...],"expansion":[...]}.
-- A number that is whole is thousandths, "m/k" is m divided by 2 to the power of k, and all else is itself: so each comes back
-- to the bit. Rows of before stay where they are until retention takes them, or their day is scored again.
ALTER TABLE score_signal RENAME TO score_signal_row;
CREATE TABLE account_signals (
	id INTEGER PRIMARY KEY, day INTEGER NOT NULL, account_id INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE UNIQUE INDEX account_signals_of_day ON account_signals (day, account_id);
CREATE VIEW score_signal (day, account_id, engine, signal, value, baseline, strength, weight, contribution, evidence, fresh_on) AS
SELECT day, account_id, engine, signal, value, baseline, strength, weight, contribution, evidence, fresh_on FROM score_signal_row
UNION ALL
SELECT a.day, a.account_id, g.key, n.value,
	CASE typeof(v.value) WHEN 'integer' THEN v.value / 1000.0 WHEN 'text'
		THEN v.value * 1.0 / (1 << substr(v.value, instr(v.value, '/') + 1)) ELSE v.value END,
	CASE typeof(b.value) WHEN 'integer' THEN b.value / 1000.0 WHEN 'text'
		THEN b.value * 1.0 / (1 << substr(b.value, instr(b.value, '/') + 1)) ELSE b.value END,
	CASE typeof(s.value) WHEN 'integer' THEN s.value / 1000.0 WHEN 'text'
		THEN s.value * 1.0 / (1 << substr(s.value, instr(s.value, '/') + 1)) ELSE s.value END,
	CASE typeof(w.value) WHEN 'integer' THEN w.value / 1000.0 WHEN 'text'
		THEN w.value * 1.0 / (1 << substr(w.value, instr(w.value, '/') + 1)) ELSE w.value END,
	CASE typeof(c.value) WHEN 'integer' THEN c.value / 1000.0 WHEN 'text'
		THEN c.value * 1.0 / (1 << substr(c.value, instr(c.value, '/') + 1)) ELSE c.value END,
	e.value, f.value
FROM account_signals a CROSS JOIN json_each(a.data) g CROSS JOIN json_each(g.value) r
	CROSS JOIN json_each(r.value, '$[0]') n CROSS JOIN json_each(r.value, '$[1]') v CROSS JOIN json_each(r.value, '$[2]') b
	CROSS JOIN json_each(r.value, '$[3]') s CROSS JOIN json_each(r.value, '$[4]') w CROSS JOIN json_each(r.value, '$[5]') c
	CROSS JOIN json_each(r.value, '$[6]') e CROSS JOIN json_each(r.value, '$[7]') f;

-- The configuration of a score is a number, not 64 letters; and a score asks no longer for each account whether there is one.
CREATE TABLE config_numbered (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, first_at INTEGER NOT NULL);
INSERT INTO config_numbered (hash, first_at) SELECT hash, first_at FROM config_seen ORDER BY first_at, hash;
DROP TABLE config_seen;
ALTER TABLE config_numbered RENAME TO config_seen;
CREATE TABLE score_day_slim (
	day INTEGER NOT NULL, account_id INTEGER NOT NULL,
	risk REAL, readiness REAL, confidence REAL NOT NULL, -- 0..100; NULL = not enough data to say
	risk_band INTEGER NOT NULL, readiness_band INTEGER NOT NULL, -- 0 steady/not_yet 1 watch/emerging 2 at_risk/ready
	risk_band_since INTEGER NOT NULL, readiness_band_since INTEGER NOT NULL,
	value_minor INTEGER, currency TEXT,
	config INTEGER NOT NULL, -- config_seen.id, or the hash of one that is not there
	PRIMARY KEY (day, account_id)
) WITHOUT ROWID;
INSERT INTO score_day_slim SELECT day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since,
	readiness_band_since, value_minor, currency, coalesce((SELECT id FROM config_seen WHERE hash = config_hash), config_hash)
	FROM score_day ORDER BY day, account_id;
DROP TABLE score_day;
ALTER TABLE score_day_slim RENAME TO score_day;
CREATE INDEX score_day_by_risk ON score_day (day, risk) WHERE risk_band > 0;
CREATE INDEX score_day_by_readiness ON score_day (day, readiness) WHERE readiness_band > 0;
