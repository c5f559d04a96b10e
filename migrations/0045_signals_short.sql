-- The signals of an account on a day take a quarter of the room: what is the same for all accounts, names, weights and words,
-- stands once per setting. data is JSON: [[place,value,baseline,strength,contribution,age,word,...],...] of those with a
-- strength, numbers in thousandths, age in days since the fact was fresh (null: it does not age). The words are those of
-- the signal's wording in its order, and it is the view that puts them together. Rows of before stay where they are until
-- retention takes them, or their day is scored again.
ALTER TABLE account_signals RENAME TO account_signals_long;
CREATE TABLE account_signals (
	id INTEGER PRIMARY KEY, day INTEGER NOT NULL, account_id INTEGER NOT NULL,
	setting INTEGER NOT NULL, -- signal_setting.id
	data TEXT NOT NULL
);
CREATE UNIQUE INDEX account_signals_by_day ON account_signals (day, account_id);
CREATE TABLE signal_setting (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);
-- wording is JSON: literal texts, and the places of words (from 0) that go between them.
CREATE TABLE signal_set (
	setting INTEGER NOT NULL, place INTEGER NOT NULL, engine TEXT NOT NULL, signal TEXT NOT NULL, weight REAL NOT NULL,
	wording TEXT NOT NULL, PRIMARY KEY (setting, place)
) WITHOUT ROWID;
DROP VIEW score_signal;
CREATE VIEW score_signal (day, account_id, engine, signal, value, baseline, strength, weight, contribution, evidence, fresh_on) AS
SELECT a.day, a.account_id, s.engine, s.signal, (SELECT atom / 1000.0 FROM json_each(r.value, '$[1]')),
	(SELECT atom / 1000.0 FROM json_each(r.value, '$[2]')), (SELECT atom / 1000.0 FROM json_each(r.value, '$[3]')), s.weight,
	(SELECT atom / 1000.0 FROM json_each(r.value, '$[4]')),
	(SELECT coalesce(group_concat(CASE p.type WHEN 'text' THEN p.atom
		ELSE (SELECT atom FROM json_each(r.value, '$[' || (6 + p.atom) || ']')) END, ''), '') FROM json_each(s.wording) p),
	a.day - (SELECT atom FROM json_each(r.value, '$[5]'))
FROM account_signals a CROSS JOIN json_each(a.data) r
	CROSS JOIN signal_set s ON s.setting = a.setting AND s.place = (SELECT atom FROM json_each(r.value, '$[0]'))
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
FROM account_signals_long a CROSS JOIN json_each(a.data) g CROSS JOIN json_each(g.value) r
	CROSS JOIN json_each(r.value, '$[0]') n CROSS JOIN json_each(r.value, '$[1]') v CROSS JOIN json_each(r.value, '$[2]') b
	CROSS JOIN json_each(r.value, '$[3]') s CROSS JOIN json_each(r.value, '$[4]') w CROSS JOIN json_each(r.value, '$[5]') c
	CROSS JOIN json_each(r.value, '$[6]') e CROSS JOIN json_each(r.value, '$[7]') f
UNION ALL
SELECT day, account_id, engine, signal, value, baseline, strength, weight, contribution, evidence, fresh_on FROM score_signal_row;
